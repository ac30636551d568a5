import type { Duration } from 'aws-cdk-lib';
import { afterAll, beforeAll, vi } from 'vitest';
import { COPY_PREFIX } from '../../lib/core/rehearsal/copy-store.ts';
import { queryRows } from '../../lib/local/database-client.ts';
import { Disposers, type LocalExecution } from '../../lib/local/index.ts';
import {
  type LocalRuntime,
  type LocalServer,
  startLocalServer,
  startRuntimeOn,
} from '../../lib/local/runtime.ts';
import type { StackOptions } from '../../lib/local/synthesize.ts';
import { bundleOf, type Files } from './local-workflow.ts';

export const ORDERS = { '0001_orders.sql': 'CREATE TABLE orders (id int PRIMARY KEY);' };
/** Goes on when both probes wait, and have waited for a while; where nobody rehearses, nobody waits. */
export const LOCKS = {
  ...ORDERS,
  '0002_note.sql': `ALTER TABLE orders ADD note text;
DO $$ BEGIN
  WHILE EXISTS (SELECT FROM pg_stat_activity WHERE application_name = 'lockstep rehearsal')
    AND (SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'orders'::regclass) < 2 LOOP
    PERFORM pg_sleep(0.01);
    PERFORM pg_stat_clear_snapshot();
  END LOOP;
  PERFORM pg_sleep(0.3);
END $$;`,
};

/** Copies are made of a real server. */
vi.setConfig({ testTimeout: 180_000 });

const disposers = new Disposers();
let shared: LocalServer;
beforeAll(async () => {
  shared = await startLocalServer(disposers);
});
afterAll(() => disposers.run());

let runtimes = 0;
/** The limit is of waits. */
export const runtimeWith = (maxBlocked: Duration): Promise<LocalRuntime> =>
  runtimeOf({ rehearsal: { maxBlocked } });

/** On a server of which copies can be made. */
export async function runtimeOf(stack: StackOptions): Promise<LocalRuntime> {
  runtimes += 1;
  const options = {
    migrations: 'migrations',
    takesRestorePoints: true,
    signal: new AbortController().signal,
  };
  return startRuntimeOn(shared, { ...options, ...stack, name: `app${runtimes}` }, disposers);
}

export async function run({ cloud, directory }: LocalRuntime, files: Files, input: object = {}) {
  const execution = cloud.deploy(await bundleOf(files, directory)).start(input);
  return { execution, outcome: await execution.outcome };
}

export const visited = ({ events }: LocalExecution): string[] =>
  events.filter(({ kind }) => kind === 'entered').map(({ state }) => state);

/** Of the service: copies that it still has. */
export async function copiesLeft({ cloud }: LocalRuntime): Promise<string[]> {
  const body = new URLSearchParams({ Action: 'DescribeDBInstances', Version: '2014-10-31' });
  const headers = { authorization: 'AWS4-HMAC-SHA256 Credential=a/20260101/us-east-1/rds/aws4_request' };
  const answer = await fetch(cloud.endpoints.aws, { method: 'POST', body, headers });
  return (await answer.text()).match(new RegExp(`${COPY_PREFIX}\\w+`, 'g')) ?? [];
}

export const columns = async ({ database }: LocalRuntime): Promise<string[]> =>
  (
    await queryRows<{ name: string }>(
      database,
      "SELECT attname AS name FROM pg_attribute WHERE attrelid = 'orders'::regclass AND attnum > 0",
    )
  ).map(({ name }) => name);
