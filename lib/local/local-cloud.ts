/**
 * What an account would provide, on this machine: a DynamoDB API, stand-ins for the other services, and the
 * workflow that CDK synthesizes. The database is the embedded server or the user's own.
 *
 * Who is authoritative: the template, for the machine, the functions' environment, the table and the rule. What
 * differs here is in one place, `localEnvironment`.
 */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { DatabaseConfig } from '../adapters/postgres/index.ts';
import { EnvName } from '../core/workflow/index.ts';
import { LocalAlarms } from './aws/alarms.ts';
import { type AwsServices, startAwsApi } from './aws/api-server.ts';
import { type CopyStorage, copyActions } from './aws/copies.ts';
import { LocalDeployers } from './aws/deployers.ts';
import { LocalEventBus } from './aws/events.ts';
import { LocalExecutions } from './aws/executions.ts';
import { LocalKeys } from './aws/keys.ts';
import { LocalObjects } from './aws/objects.ts';
import { secretsService } from './aws/secrets.ts';
import { REGION } from './aws/service.ts';
import { rdsService, type SnapshotStorage } from './aws/snapshots.ts';
import { TaskTokens } from './aws/task-tokens.ts';
import { copyFolder, takeBaseBackup } from './base-backup.ts';
import { startCopy } from './base-backup-copy.ts';
import type { Disposers } from './disposers.ts';
import { startDynamoDb } from './dynamodb.ts';
import { EcsTasks } from './ecs-tasks.ts';
import { type FunctionDeployments, LambdaFunctions } from './lambda-functions.ts';
import { SUPERUSER } from './postgres-process.ts';
import { type PostgresServer, startPostgresServer } from './postgres-server.ts';
import type { Observer } from './state-event.ts';
import { type LocalExecution, startExecution } from './state-machine.ts';
import { SECRET_ARN, type StackOptions, synthesize } from './synthesize.ts';
import { type Machine, readWorkflow, type Workflow } from './workflow.ts';

export interface LocalCloudOptions extends StackOptions {
  readonly database: DatabaseConfig;
  /** Given when the database is on the embedded server: then restore points are base backups of it. */
  readonly server?: PostgresServer | undefined;
  /** The sample set or the user's: an app names it when it makes the coordinator. */
  readonly migrations: string;
  /** For everything that is written to disk. */
  readonly directory: string;
  /** Those that the stack names; default: none. */
  readonly keys?: LocalKeys | undefined;
  /** When it is aborted nothing is deployed or started any more: what would end it was ended. */
  readonly signal?: AbortSignal | undefined;
}

export interface LocalCloud {
  readonly endpoints: { readonly aws: string; readonly dynamodb: string };
  /** For every process that uses the SDK; it reaches nothing but this machine. */
  readonly environment: Readonly<Record<string, string>>;
  /** As processes reach them: an action that is replaced refuses, or is away, as a test wants it. */
  readonly services: AwsServices;
  readonly workflow: Workflow;
  readonly eventBus: LocalEventBus;
  readonly deployers: LocalDeployers;
  readonly alarms: LocalAlarms;
  readonly objects: LocalObjects;
  readonly keys: LocalKeys;
  /** Executions that one state machine began, or a function: as they were begun. */
  readonly begun: readonly LocalExecution[];
  /** What happens to the states of those that are begun from now on. */
  observeBegun(observer: Observer): void;
  /** Deploys the functions, and the image for long work, with this bundle file; or the image with another one. */
  deploy(bundle: string, inImage?: string): Deployment;
}

export interface Deployment {
  readonly functions: LambdaFunctions;
  readonly tasks: EcsTasks | undefined;
  start(input: object, onEvent?: Observer): LocalExecution;
}

export async function startLocalCloud(options: LocalCloudOptions, disposers: Disposers): Promise<LocalCloud> {
  const { database, directory, signal } = options;
  const executions = new LocalExecutions();
  const eventBus = new LocalEventBus();
  const deployers = new LocalDeployers();
  const tokens = new TaskTokens();
  const alarms = new LocalAlarms();
  const objects = new LocalObjects((event) => void eventBus.deliver(event));
  const keys = options.keys ?? new LocalKeys();
  const begun: LocalExecution[] = [];
  let observeBegun: Observer | undefined;
  const dynamodb = await startDynamoDb();
  disposers.add(dynamodb.stop);
  const services: AwsServices = {
    rds: { ...rdsService(snapshotStorage(options)), ...copyActions(copyStorage(options, disposers)) },
    events: eventBus.service,
    states: { ...executions.service, ...tokens.service },
    secrets: secretsService(new Map([[SECRET_ARN, await loginSecret(database)]])),
    sns: deployers.sns,
    codepipeline: deployers.codepipeline,
    ecs: deployers.ecs,
    codedeploy: deployers.codedeploy,
    kms: keys.service,
    s3: objects,
  };
  const aws = await startAwsApi(services);
  disposers.add(aws.stop);
  const endpoints = { aws: aws.endpoint, dynamodb: dynamodb.endpoint };
  const environment = awsEnvironment(endpoints);
  const workflow = readWorkflow(
    synthesize({
      ...options,
      host: database.host,
      port: database.port,
      databaseName: database.database,
      takesRestorePoints: options.server !== undefined,
      outputDirectory: join(directory, 'cdk.out'),
    }),
  );
  await dynamodb.createTable(workflow.leaseTable);
  const login = workflow.task?.command ? await loginVariables(database) : {};
  const deploy = (bundle: string, inImage = bundle): Deployment => {
    signal?.throwIfAborted();
    const local = { ...environment, [EnvName.bundlePath]: bundle, [EnvName.databaseTls]: database.tls };
    const tasks =
      workflow.task &&
      new EcsTasks(
        withLocal(workflow.task, { ...local, ...login, [EnvName.bundlePath]: inImage }),
        join(directory, 'tasks.log'),
      );
    if (tasks) disposers.add(() => tasks.stop());
    const functions = new LambdaFunctions(
      withEnvironment(workflow.functions, local),
      join(directory, 'functions.log'),
    );
    disposers.add(() => functions.stop());
    const surroundings = { functions, tasks, eventBus, executions, topics: deployers, tokens, alarms };
    const start = (input: object, onEvent?: Observer, name?: string, machine: Machine = workflow) => {
      signal?.throwIfAborted();
      const execution = startExecution(machine, surroundings, input, onEvent, name);
      disposers.add(async () => execution.abort());
      return execution;
    };
    executions.onStart(({ stateMachineArn, name, input }) => {
      const machines = [workflow, workflow.afterRollOut];
      const machine = machines.find((each) => each?.arn === stateMachineArn);
      begun.push(start(input, observeBegun, name, machine));
    });
    // The functions of the newest deployment serve what comes.
    eventBus.callOnEvents(workflow.rules, functions);
    return { functions, tasks, start };
  };
  return {
    endpoints,
    environment,
    services,
    workflow,
    eventBus,
    deployers,
    alarms,
    objects,
    keys,
    begun,
    observeBegun(observer) {
      observeBegun = observer;
    },
    deploy,
  };
}

/** The endpoint for all services is the stand-in, so a service that it does not know cannot be reached at all. */
const awsEnvironment = ({ aws, dynamodb }: LocalCloud['endpoints']) => ({
  AWS_ENDPOINT_URL: aws,
  AWS_ENDPOINT_URL_DYNAMODB: dynamodb,
  AWS_REGION: REGION,
  AWS_ACCESS_KEY_ID: 'local',
  AWS_SECRET_ACCESS_KEY: 'local',
});

function withEnvironment(functions: FunctionDeployments, local: Record<string, string>): FunctionDeployments {
  const changed = Object.entries(functions).map(([name, deployment]) => [name, withLocal(deployment, local)]);
  return Object.fromEntries(changed);
}

const withLocal = <Deployed extends { readonly environment: Readonly<Record<string, string>> }>(
  deployed: Deployed,
  local: Readonly<Record<string, string>>,
): Deployed => ({ ...deployed, environment: { ...deployed.environment, ...local } });

/** As ECS puts them from the secret into a container that logs in with them. */
async function loginVariables(database: DatabaseConfig): Promise<Record<string, string>> {
  const { username = '', password = '' } = JSON.parse(await loginSecret(database));
  const tls = database.tls === 'disable' ? { PGSSLMODE: 'disable' } : {};
  return { PGUSER: username, PGPASSWORD: password, ...tls };
}

async function loginSecret({ user, password }: DatabaseConfig): Promise<string> {
  const text = typeof password === 'function' ? await password() : password;
  // A server that trusts the connection looks at no password, but a secret has to have one.
  return JSON.stringify({ username: user, password: text || 'none' });
}

const snapshotFolder = (directory: string, id: string): string => join(directory, `snapshot-${id}`);

function snapshotStorage({ server, database, directory }: LocalCloudOptions): SnapshotStorage {
  const pathOf = (id: string) => snapshotFolder(directory, id);
  return {
    create: async (id) => {
      if (!server) return;
      const login = { connectionString: server.url(database.database) };
      await takeBaseBackup(login, server.dataDirectory, pathOf(id));
    },
    remove: (id) => rm(pathOf(id), { recursive: true, force: true }),
  };
}

function copyStorage(
  { server, database, directory, signal }: LocalCloudOptions,
  disposers: Disposers,
): CopyStorage {
  const copies = new Map<string, PostgresServer>();
  disposers.add(async () => {
    await Promise.all([...copies.values()].map((copy) => copy.stop()));
  });
  return {
    start: async (id) => {
      if (!server) throw new Error('there is no server to copy');
      const login = { ...database, user: SUPERUSER, password: server.password };
      const copy = await startCopy({ database: login, signal });
      copies.set(id, copy);
      return copy.port;
    },
    restore: async (id, snapshot) => {
      if (!server) throw new Error('there are no snapshots');
      const fill = (folder: string) => copyFolder(snapshotFolder(directory, snapshot), folder);
      const restored = await startPostgresServer({ password: server.password, fill });
      copies.set(id, restored);
      return restored.port;
    },
    stop: async (id) => {
      const copy = copies.get(id);
      copies.delete(id);
      await copy?.stop();
    },
  };
}
