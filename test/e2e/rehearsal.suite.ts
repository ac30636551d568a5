/** The coordinator rehearses on a copy of the local server, which it makes and removes. */
import { readFile } from 'node:fs/promises';
import { Duration } from 'aws-cdk-lib';
import { expect, test } from 'vitest';
import { StateName as S } from '../../lib/core/workflow/index.ts';
import { bundleOf } from './local-workflow.ts';
import { columns, copiesLeft, LOCKS, ORDERS, run, runtimeWith, visited } from './rehearsing.ts';

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
