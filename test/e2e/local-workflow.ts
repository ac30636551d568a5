/** A coordinator on the local runtime for one test: a database of its own, its own table, its own deployments. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { dynamoLeaseStore } from '../../lib/adapters/dynamodb/index.ts';
import { type DatabaseConfig, databaseConfigFrom } from '../../lib/adapters/postgres/index.ts';
import type { LeaseStore } from '../../lib/core/lease/index.ts';
import { compileBundle } from '../../lib/core/plan/compile/index.ts';
import type { Verdict } from '../../lib/core/rollout/index.ts';
import {
  type Deployment,
  Disposers,
  type LocalCloud,
  type LocalCloudOptions,
  type StackOptions,
  startLocalCloud,
} from '../../lib/local/index.ts';
import { openSource } from '../../lib/settings/index.ts';
import { createDatabase, queryRows } from '../support/postgres.ts';

export type Files = Readonly<Record<string, string>>;

type CoordinatorOptions = StackOptions & Pick<LocalCloudOptions, 'keys' | 'server'>;

export interface LocalCoordinator {
  readonly cloud: LocalCloud;
  readonly database: DatabaseConfig;
  /** Superuser's. */
  readonly url: string;
  /** Of everything that the cloud writes. */
  readonly directory: string;
  readonly target: string;
  readonly leases: LeaseStore;
  query<Row extends object = Record<string, unknown>>(sql: string): Promise<Row[]>;
  /** A bundle file with these migrations, given as SQL by file name. */
  bundle(files: Files): Promise<string>;
  /** Deploys the functions with these migrations; the image for long work with other ones, if they are given. */
  deploy(files: Files, inImage?: Files): Promise<Deployment>;
  /** Details of the events that were put for the run. */
  signalsOf(run: string): Verdict[];
  stop(): Promise<void>;
}

export async function startCoordinator(options: CoordinatorOptions = {}): Promise<LocalCoordinator> {
  const disposers = new Disposers();
  const test = await createDatabase();
  disposers.add(test.drop);
  const directory = await mkdtemp(join(tmpdir(), 'lockstep-test-'));
  disposers.add(() => rm(directory, { recursive: true, force: true }));
  const database = databaseConfigFrom({ url: test.url, env: {}, readFile: () => '' });
  const cloud = await startLocalCloud(
    { database, migrations: 'migrations', directory, ...options },
    disposers,
  );
  const client = new DynamoDBClient({
    endpoint: cloud.endpoints.dynamodb,
    region: 'us-east-1',
    credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
  });
  disposers.add(async () => client.destroy());
  const bundle = (files: Files) => bundleOf(files, directory);
  return {
    cloud,
    database,
    url: test.url,
    directory,
    target: database.database,
    leases: dynamoLeaseStore({ tableName: cloud.workflow.leaseTable.TableName, client }),
    query: (sql) => queryRows(test.url, sql),
    bundle,
    deploy: async (files, inImage = files) => cloud.deploy(await bundle(files), await bundle(inImage)),
    signalsOf: (run) =>
      cloud.eventBus.events.map(({ detail }) => detail as Verdict).filter((verdict) => verdict.run === run),
    stop: () => disposers.run(),
  };
}

/** Writes the migrations, compiled, into a bundle file in a new folder below `directory`. */
export async function bundleOf(files: Files, directory: string): Promise<string> {
  const migrations = await mkdtemp(join(directory, 'release-'));
  for (const [name, sql] of Object.entries(files)) await writeFile(join(migrations, name), sql);
  const bundle = join(migrations, 'bundle.json');
  await writeFile(bundle, JSON.stringify(await compileBundle(await openSource({ migrations }))));
  return bundle;
}
