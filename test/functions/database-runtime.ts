/** The functions' environment with a database of its own and a bundle compiled from the files of a test. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openMigrationDirectory } from '../../lib/adapters/filesystem/index.ts';
import { loadParser } from '../../lib/adapters/libpg-query/index.ts';
import type { LeaseStore } from '../../lib/core/lease/index.ts';
import { compileBundle } from '../../lib/core/plan/compile/index.ts';
import { EnvName, type StartInput } from '../../lib/core/workflow/index.ts';
import { LocalEventBus } from '../../lib/local/aws/events.ts';
import { type ExecutionStatus, LocalExecutions } from '../../lib/local/aws/executions.ts';
import { secretsService } from '../../lib/local/aws/secrets.ts';
import type { LocalServices } from '../support/local-aws.ts';
import { createDatabase, queryRows } from '../support/postgres.ts';
import { executionArn, startFunctionRuntime } from './function-runtime.ts';

const SECRET_ARN = 'arn:aws:secretsmanager:us-east-1:123456789012:secret:orders-AbCdEf';

export interface DatabaseRuntime {
  readonly leases: LeaseStore;
  readonly bus: LocalEventBus;
  /** The password in the secret: it must not turn up anywhere. */
  readonly password: string;
  /** Of the current test. */
  target(): string;
  query<Row extends object = Record<string, unknown>>(sql: string): Promise<Row[]>;
  /** Compiles these files; the functions use them from now on. */
  deploy(files: Readonly<Record<string, string>>): Promise<void>;
  /** `error`: of one that FAILED, what its last state gave. */
  setExecution(name: string, status: ExecutionStatus, error?: string, input?: StartInput): void;
  set(name: keyof typeof EnvName, value: string): void;
  /** Another database and another target, so that nothing of the test before is left. */
  reset(): Promise<void>;
  close(): Promise<void>;
}

/** @param more services that the functions of the test call */
export async function startDatabaseRuntime(more: LocalServices = {}): Promise<DatabaseRuntime> {
  const bus = new LocalEventBus();
  let executions = new LocalExecutions();
  const secrets = new Map<string, string>();
  const directory = await mkdtemp(join(tmpdir(), 'lockstep-functions-'));
  const runtime = await startFunctionRuntime({
    events: bus.service,
    states: { DescribeExecution: (input) => executions.service.DescribeExecution?.(input) },
    secrets: secretsService(secrets),
    ...more,
  });
  let database = await createDatabase();
  const { hostname, port, username, password } = new URL(database.url);
  secrets.set(SECRET_ARN, JSON.stringify({ username, password: decodeURIComponent(password) }));
  const set = (name: keyof typeof EnvName, value: string) => {
    process.env[EnvName[name]] = value;
  };
  const defaults = {
    leaseDurationSeconds: '30',
    leaseWaitSeconds: '60',
    bundlePath: join(directory, 'bundle.json'),
    databaseHost: hostname,
    databasePort: port,
    databaseSecretArn: SECRET_ARN,
    databaseTls: 'disable',
    restorePointKind: 'none',
    rollBackPolicy: 'down',
    outOfOrder: 'refuse',
    eventBusName: 'default',
  } as const;
  let tests = 0;

  return {
    leases: runtime.leases,
    bus,
    password: decodeURIComponent(password),
    target: () => `orders-${tests}`,
    query: (sql) => queryRows(database.url, sql),
    deploy: async (files) => {
      const migrations = await mkdtemp(join(directory, 'migrations-'));
      await Promise.all(Object.entries(files).map(([file, sql]) => writeFile(join(migrations, file), sql)));
      const bundle = await compileBundle(await openMigrationDirectory(migrations, loadParser));
      await writeFile(defaults.bundlePath, JSON.stringify(bundle));
    },
    setExecution: (name, status, error, input) =>
      executions.add({
        executionArn: executionArn(name),
        stateMachineArn: 'm',
        name,
        startedAtMs: 0,
        status,
        ...(error === undefined ? {} : { error }),
        ...(input === undefined ? {} : { input: JSON.stringify(input) }),
      }),
    set,
    reset: async () => {
      await database.drop();
      database = await createDatabase();
      tests += 1;
      bus.events.length = 0;
      executions = new LocalExecutions();
      for (const [name, value] of Object.entries(defaults)) set(name as keyof typeof EnvName, value);
      set('target', `orders-${tests}`);
      set('databaseName', database.name);
    },
    close: async () => {
      for (const name of Object.values(EnvName)) delete process.env[name];
      await runtime.close();
      await database.drop();
      await rm(directory, { recursive: true });
    },
  };
}
