/** The coordinator rehearses on a copy of the local server, which it makes and removes. */
import { readFile } from 'node:fs/promises';
import { Duration } from 'aws-cdk-lib';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { COPY_PREFIX } from '../../lib/core/rehearsal/copy-store.ts';
import { StateName as S } from '../../lib/core/workflow/index.ts';
import { openClient, queryRows } from '../../lib/local/database-client.ts';
import { Disposers, type LocalExecution } from '../../lib/local/index.ts';
import {
  type LocalRuntime,
  type LocalServer,
  startLocalServer,
  startRuntimeOn,
} from '../../lib/local/runtime.ts';
import { bundleOf, type Files } from './local-workflow.ts';

const ORDERS = { '0001_orders.sql': 'CREATE TABLE orders (id int PRIMARY KEY);' };
/** Goes on when both probes wait, and have waited for a while; where nobody rehearses, nobody waits. */
const LOCKS = {
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
async function runtimeWith(maxBlocked: Duration): Promise<LocalRuntime> {
  runtimes += 1;
  const options = {
    migrations: 'migrations',
    takesRestorePoints: true,
    signal: new AbortController().signal,
  };
  return startRuntimeOn(shared, { ...options, name: `app${runtimes}`, rehearsal: { maxBlocked } }, disposers);
}

async function run({ cloud, directory }: LocalRuntime, files: Files, input: object = {}) {
  const execution = cloud.deploy(await bundleOf(files, directory)).start(input);
  return { execution, outcome: await execution.outcome };
}

const visited = ({ events }: LocalExecution): string[] =>
  events.filter(({ kind }) => kind === 'entered').map(({ state }) => state);

/** Of the service: copies that it still has. */
async function copiesLeft({ cloud }: LocalRuntime): Promise<string[]> {
  const body = new URLSearchParams({ Action: 'DescribeDBInstances', Version: '2014-10-31' });
  const headers = { authorization: 'AWS4-HMAC-SHA256 Credential=a/20260101/us-east-1/rds/aws4_request' };
  const answer = await fetch(cloud.endpoints.aws, { method: 'POST', body, headers });
  return (await answer.text()).match(new RegExp(`${COPY_PREFIX}\\w+`, 'g')) ?? [];
}

const columns = async ({ database }: LocalRuntime): Promise<string[]> =>
  (
    await queryRows<{ name: string }>(
      database,
      "SELECT attname AS name FROM pg_attribute WHERE attrelid = 'orders'::regclass AND attnum > 0",
    )
  ).map(({ name }) => name);

test('within the budget a run goes on, and the copy is gone before it begins', async () => {
  const runtime = await runtimeWith(Duration.minutes(5));
  await run(runtime, ORDERS);
  const { execution, outcome } = await run(runtime, LOCKS);
  expect(outcome).toMatchObject({ status: 'SUCCEEDED', output: { applied: ['0002_note'] } });
  const states = visited(execution);
  const rehearsed = states.slice(states.indexOf(S.RehearsalNeeded), states.indexOf(S.TakeRestorePoint));
  expect(
    rehearsed.filter((state) => state !== S.WaitForCopy && state !== S.MakeCopy && state !== S.CopyReady),
  ).toEqual([
    S.RehearsalNeeded,
    S.Rehearse,
    S.RemoveCopy,
    S.CheckRehearsal,
    S.AnythingPending,
    S.RehearsalNeeded,
  ]);
  expect(await copiesLeft(runtime)).toEqual([]);
  expect(await columns(runtime)).toEqual(['id', 'note']);
});

test('over the budget a run ends before the database is touched, and the copy is gone', async () => {
  const runtime = await runtimeWith(Duration.millis(100));
  await run(runtime, ORDERS);
  const { execution, outcome } = await run(runtime, LOCKS);
  expect(outcome).toMatchObject({ status: 'FAILED', cause: expect.stringContaining('LS743') });
  expect(visited(execution)).not.toContain(S.TakeRestorePoint);
  expect(visited(execution)).not.toContain(S.AcquireLease);
  expect(await copiesLeft(runtime)).toEqual([]);
  expect(await columns(runtime)).toEqual(['id']);
});

test('what fails on the copy never reaches the database', async () => {
  const runtime = await runtimeWith(Duration.minutes(5));
  await run(runtime, ORDERS);
  const { execution, outcome } = await run(runtime, {
    ...ORDERS,
    '0002_wrong.sql': 'ALTER TABLE orders DROP nothing;',
  });
  expect(outcome).toMatchObject({ status: 'FAILED', cause: expect.stringContaining('LS742') });
  expect(visited(execution)).not.toContain(S.TakeRestorePoint);
  expect(await copiesLeft(runtime)).toEqual([]);
});

test('who is overtaken by another run while the copy is made makes another one, and fails for no other reason', async () => {
  const runtime = await runtimeWith(Duration.minutes(5));
  await run(runtime, ORDERS);
  const { cloud, database, directory } = runtime;
  const files = { ...ORDERS, '0002_note.sql': 'ALTER TABLE orders ADD note text;' };
  const other = await openClient(database, 'another run');
  const execution = cloud.deploy(await bundleOf(files, directory)).start({});
  try {
    await vi.waitUntil(() => visited(execution).includes(S.MakeCopy), { timeout: 60_000 });
    // Until Rehearse looks at the ledger it is what the copy has; what Rehearse sees is another one.
    await other.query("BEGIN; LOCK TABLE lockstep.entry; UPDATE lockstep.entry SET at = at + interval '1 s'");
    await vi.waitUntil(() => visited(execution).includes(S.Rehearse), { timeout: 120_000 });
    await other.query('COMMIT');
    expect(await execution.outcome).toMatchObject({
      status: 'SUCCEEDED',
      output: { applied: ['0002_note'] },
    });
  } finally {
    await other.end();
  }
  expect(visited(execution).filter((state) => state === S.Rehearse)).toHaveLength(2);
  expect(await copiesLeft(runtime)).toEqual([]);
});

test('a rehearsal in the input is not made again', async () => {
  const runtime = await runtimeWith(Duration.minutes(5));
  const { cloud, directory } = runtime;
  const bundle = await bundleOf(ORDERS, directory);
  const { digest } = JSON.parse(await readFile(bundle, 'utf8'));
  const rehearsal = {
    bundleDigest: digest,
    ledgerHead: 'none',
    verdict: 'within-budget',
    excesses: [],
    error: null,
    steps: [{ migration: '0001_orders' }],
  };
  const execution = cloud.deploy(bundle).start({ rehearsal });
  expect(await execution.outcome).toMatchObject({ status: 'SUCCEEDED' });
  expect(visited(execution)).not.toContain(S.MakeCopy);
});
