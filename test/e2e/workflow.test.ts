/**
 * The state machine as CDK synthesizes it, with the functions as they are, on a real database. A run that is stopped, and
 * one that finds the database ahead, are in scenarios.test.ts.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { systemClock } from '../../lib/adapters/process/clock.ts';
import { verdictSchema } from '../../lib/core/rollout/index.ts';
import { StateName } from '../../lib/core/workflow/index.ts';
import { apply } from '../../lib/engine/index.ts';
import type { LocalExecution, StateEvent } from '../../lib/local/index.ts';
import { openSource } from '../../lib/settings/index.ts';
import { type LocalCoordinator, startCoordinator } from './local-workflow.ts';

const TWO_TABLES = {
  '0001_create_a.sql': 'CREATE TABLE a (id int);',
  '0001_create_a.down.sql': 'DROP TABLE a;',
  '0002_create_b.sql': 'CREATE TABLE b (id int);',
  '0002_create_b.down.sql': 'DROP TABLE b;',
};
/** Sleeps for a minute the first time it is tried; a sequence is not rolled back. */
const SLOW_AT_FIRST = {
  '0001_count_tries.sql': 'CREATE SEQUENCE tries; CREATE TABLE effects (at timestamptz DEFAULT now());',
  '0002_slow_at_first.sql':
    "INSERT INTO effects DEFAULT VALUES; SELECT pg_sleep(CASE nextval('tries') WHEN 1 THEN 60 ELSE 0 END);",
};

let coordinator: LocalCoordinator;

beforeEach(async () => {
  coordinator = await startCoordinator();
});
afterEach(() => coordinator.stop());

/** States in the order in which they were entered; a retried state is there once. */
const statesOf = ({ events }: LocalExecution): string[] =>
  events.filter(({ kind }) => kind === 'entered').map(({ state }) => state);

const tables = async (): Promise<string[]> => {
  const rows = await coordinator.query<{ name: string }>(
    `SELECT relname AS name FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace ORDER BY 1`,
  );
  return rows.map(({ name }) => name);
};

const leaseState = async (): Promise<string | undefined> =>
  (await coordinator.leases.read(coordinator.target))?.state;

const slowSessions = () =>
  coordinator.query(
    `SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'PgSleep'`,
  );

async function untilSlow(): Promise<void> {
  while ((await slowSessions()).length === 0) await sleep(50);
}

describe('a run with something to do', () => {
  test('applies it under the lease, frees the lease and signals roll out', async () => {
    const { start } = await coordinator.deploy(TWO_TABLES);
    const run = start({ reason: 'a test' });
    const outcome = await run.outcome;

    expect(outcome).toMatchObject({
      status: 'SUCCEEDED',
      output: { outcome: 'applied', signal: 'ROLL_OUT', appliedCount: 2 },
    });
    expect(statesOf(run)).toEqual([
      StateName.Plan,
      StateName.AnythingPending,
      StateName.TakeRestorePoint,
      StateName.RestorePointReady,
      StateName.AcquireLease,
      StateName.LeaseObtained,
      StateName.Migrate,
      StateName.AllApplied,
      StateName.ReleaseLease,
      StateName.SignalRollOut,
      StateName.Succeeded,
    ]);
    expect(await tables()).toEqual(['a', 'b']);
    expect(await leaseState()).toBe('FREE');
    expect(coordinator.signalsOf(run.name).map(({ signal }) => signal)).toEqual(['ROLL_OUT']);
    expect(verdictSchema.parse('output' in outcome ? outcome.output : {})).toEqual(
      coordinator.signalsOf(run.name)[0],
    );
  });

  test('stops at the revision that its input asks for', async () => {
    const { start } = await coordinator.deploy(TWO_TABLES);
    expect(await start({ toRevision: '0001' }).outcome).toMatchObject({
      output: { applied: ['0001_create_a'] },
    });
    expect(await tables()).toEqual(['a']);
  });
});

describe('a run with nothing to do', () => {
  test('makes one call, at most eight transitions, and takes no lease', async () => {
    const first = await coordinator.deploy(TWO_TABLES);
    await first.start({}).outcome;
    const lease = await coordinator.leases.read(coordinator.target);

    const { start, functions } = await coordinator.deploy(TWO_TABLES);
    const run = start({});
    expect(await run.outcome).toMatchObject({
      status: 'SUCCEEDED',
      output: { outcome: 'nothing-pending', signal: 'ROLL_OUT' },
    });
    expect(functions.calls).toBe(1);
    expect(statesOf(run).length).toBeLessThanOrEqual(8);
    expect(statesOf(run)).not.toContain(StateName.TakeRestorePoint);
    expect(await coordinator.leases.read(coordinator.target)).toEqual(lease);
  });

  test('writes and signals nothing when it is a dry run', async () => {
    const { start, functions } = await coordinator.deploy(TWO_TABLES);
    const run = start({ dryRun: true });
    expect(await run.outcome).toMatchObject({
      status: 'SUCCEEDED',
      output: { outcome: 'dry-run', signal: 'NONE', notApplied: ['0001_create_a', '0002_create_b'] },
    });
    expect(functions.calls).toBe(1);
    expect(coordinator.signalsOf(run.name)).toEqual([]);
    expect(await coordinator.query(`SELECT nspname FROM pg_namespace WHERE nspname = 'lockstep'`)).toEqual(
      [],
    );
    expect(await leaseState()).toBeUndefined();
  });
});

describe('a run that fails', () => {
  test('reverts what it applied, frees the lease, signals roll back and says what to do', async () => {
    const { start } = await coordinator.deploy({
      ...TWO_TABLES,
      '0003_misspelt.sql': 'CREATE TABLE c (id int);\nUPDATE a SET idd = 1;',
    });
    const run = start({});
    const outcome = await run.outcome;

    expect(outcome).toMatchObject({ status: 'FAILED', error: 'MigrationFailedError' });
    expect('cause' in outcome && outcome.cause).toContain('0003_misspelt.sql, line 2, column 14');
    expect(statesOf(run).slice(-4)).toEqual([
      StateName.RollBack,
      StateName.ReleaseLeaseAfterFailure,
      StateName.SignalRollBack,
      StateName.Failed,
    ]);
    expect(await tables()).toEqual([]);
    expect(await leaseState()).toBe('FREE');
    const [verdict, ...more] = coordinator.signalsOf(run.name);
    expect(more).toEqual([]);
    expect(verdict).toMatchObject({
      signal: 'ROLL_BACK',
      applied: [],
      reverted: ['0002_create_b', '0001_create_a'],
      error: { name: 'MigrationFailedError', code: 'LS601' },
    });
  });

  test('fails before it takes the lease when an applied file was edited', async () => {
    await (await coordinator.deploy(TWO_TABLES)).start({}).outcome;
    const { start } = await coordinator.deploy({
      ...TWO_TABLES,
      '0001_create_a.sql': 'CREATE TABLE a (id bigint);',
    });
    const run = start({});
    expect(await run.outcome).toMatchObject({ status: 'FAILED', error: 'DriftError' });
    expect(statesOf(run)).not.toContain(StateName.AcquireLease);
    expect(coordinator.signalsOf(run.name)).toMatchObject([
      { signal: 'ROLL_BACK', error: { name: 'DriftError', code: 'LS501' } },
    ]);
  });
});

describe('others in the way', () => {
  test('a plan that has become stale while waiting for the lease is made anew', async () => {
    const bundle = await coordinator.bundle(TWO_TABLES);
    const { start } = coordinator.cloud.deploy(bundle);
    const holder = { target: coordinator.target, holder: 'another:1:run', durationMs: 60_000 };
    const acquired = await coordinator.leases.tryAcquire(holder);
    if (acquired.kind !== 'acquired') throw new Error('the lease is not free');
    const waits = Promise.withResolvers<void>();
    const onEvent = ({ state }: StateEvent) => state === StateName.WaitForLease && waits.resolve();
    const run = start({}, onEvent);
    await waits.promise;
    const { database, leases } = coordinator;
    const source = await openSource({ bundle });
    const attempt = { runId: 'another', database, leases, lease: acquired.lease, source, clock: systemClock };
    await apply({ ...attempt, toRevision: '0001' });
    await leases.release({ ...acquired.lease, token: 0 });

    expect(await run.outcome).toMatchObject({
      status: 'SUCCEEDED',
      output: { outcome: 'applied', applied: ['0002_create_b'] },
    });
    expect(statesOf(run).filter((state) => state === StateName.Plan)).toHaveLength(2);
    expect(statesOf(run)).toContain(StateName.ReleaseLeaseForReplan);
    expect(await tables()).toEqual(['a', 'b']);
  });

  test('a function that is killed in the middle is called again and nothing runs twice', async () => {
    const { start, functions } = await coordinator.deploy(SLOW_AT_FIRST);
    const run = start({});
    await untilSlow();
    for (const process of functions.serving('migrate')) process.kill('SIGKILL');
    expect(await run.outcome).toMatchObject({ status: 'SUCCEEDED', output: { appliedCount: 2 } });
    expect(run.events.some(({ kind, state }) => kind === 'retried' && state === StateName.Migrate)).toBe(
      true,
    );
    expect(await coordinator.query('SELECT last_value::int AS tries FROM tries')).toEqual([{ tries: 2 }]);
    expect(await coordinator.query('SELECT count(*)::int AS effects FROM effects')).toEqual([{ effects: 1 }]);
  });
});
