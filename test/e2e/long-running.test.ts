/**
 * Long work: the state machine as CDK synthesizes it with `longRunning`, the functions as they are, and the program
 * of the container as a process of its own.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { verdictSchema } from '../../lib/core/rollout/index.ts';
import { StateName, TASK_START_SECONDS } from '../../lib/core/workflow/index.ts';
import type { LocalExecution } from '../../lib/local/index.ts';
import { codeBlocks } from '../docs/markdown.ts';
import { type LocalCoordinator, startCoordinator } from './local-workflow.ts';

const LONG = '-- lockstep: expected-duration=40min\n';
const FILES = {
  '0001_create_a.sql': 'CREATE TABLE a (id int);',
  '0001_create_a.down.sql': 'DROP TABLE a;',
  '0002_long.sql': `${LONG}CREATE TABLE b AS SELECT current_setting('application_name') AS by;`,
  '0002_long.down.sql': 'DROP TABLE b;',
  '0003_create_c.sql': 'CREATE TABLE c (id int);',
  '0003_create_c.down.sql': 'DROP TABLE c;',
};
/** Sleeps for ever as often as `times` says, then no more; a sequence is not rolled back. */
const slow = (times: number) => ({
  '0001_count_tries.sql': 'CREATE SEQUENCE tries; CREATE TABLE effects (id int);',
  '0002_slow_at_first.sql': `${LONG}INSERT INTO effects VALUES (1);
    SELECT pg_sleep(CASE WHEN nextval('tries') <= ${times} THEN 600 ELSE 0 END);`,
});

let coordinator: LocalCoordinator;
beforeEach(async () => {
  coordinator = await startCoordinator({ longRunning: true });
});
afterEach(() => coordinator.stop());

/** States in the order in which they were entered, from the first Migrate on. */
const statesFromMigrate = ({ events }: LocalExecution): string[] => {
  const states = events.filter(({ kind }) => kind === 'entered').map(({ state }) => state);
  return states.slice(states.indexOf(StateName.Migrate));
};
const inTask = (run: LocalExecution) =>
  statesFromMigrate(run).filter((state) => state === StateName.MigrateInTask).length;

const tables = async (): Promise<string[]> => {
  const rows = await coordinator.query<{ name: string }>(
    `SELECT relname AS name FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace ORDER BY 1`,
  );
  return rows.map(({ name }) => name);
};
const sleeping = () =>
  coordinator.query(
    `SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'PgSleep'`,
  );
async function untilSlow(): Promise<void> {
  while ((await sleeping()).length === 0) await sleep(50);
}
const effects = async () => (await coordinator.query('SELECT count(*)::int AS n FROM effects'))[0];

describe('a migration that is declared to be long', () => {
  test('runs in a task, what comes before it in a function, and a function has the last word', async () => {
    const { start, tasks } = await coordinator.deploy(FILES);
    const run = start({});
    const outcome = await run.outcome;

    expect(outcome).toMatchObject({ status: 'SUCCEEDED', output: { outcome: 'applied', appliedCount: 3 } });
    expect(verdictSchema.parse('output' in outcome ? outcome.output : {}).applied).toEqual([
      '0001_create_a',
      '0002_long',
      '0003_create_c',
    ]);
    expect(statesFromMigrate(run)).toEqual([
      StateName.Migrate,
      StateName.AllApplied,
      StateName.MigrateInTask,
      StateName.Migrate,
      StateName.AllApplied,
      StateName.ReleaseLease,
      StateName.SignalRollOut,
      StateName.Succeeded,
    ]);
    expect(tasks?.started).toBe(1);
    // Each attempt has a token of its own: 1 the function, 2 the task.
    const tokens = await coordinator.query<{ token: number }>(
      'SELECT token::int FROM lockstep.entry ORDER BY revision',
    );
    expect(tokens.map(({ token }) => token)).toEqual([1, 2, 2]);
    expect(await coordinator.leases.read(coordinator.target)).toMatchObject({ state: 'FREE' });
  });

  test('is the example of the guide', async () => {
    const [declared = ''] = codeBlocks('docs/guides/long-running.md', 'sql');
    const { start, tasks } = await coordinator.deploy({
      '0041_create_orders.sql': 'CREATE TABLE orders (id bigint PRIMARY KEY, customer_id bigint);',
      '0042_index_orders.sql': declared,
    });
    expect(await start({}).outcome).toMatchObject({ output: { outcome: 'applied', appliedCount: 2 } });
    expect(tasks?.started).toBe(1);
  });

  test('runs with what the run was asked for: contract migrations stay out of an expand run', async () => {
    const { '0003_create_c.sql': _, '0003_create_c.down.sql': __, ...files } = FILES;
    const { start, tasks } = await coordinator.deploy({
      ...files,
      '0003_drop_a.contract.sql': 'DROP TABLE a;',
    });
    expect(await start({ phase: 'expand' }).outcome).toMatchObject({
      status: 'SUCCEEDED',
      output: { applied: ['0001_create_a', '0002_long'] },
    });
    expect(tasks?.started).toBe(1);
    expect(await tables()).toEqual(['a', 'b']);
  });

  test('keeps the lease while the container starts', async () => {
    const { start } = await coordinator.deploy(slow(1));
    const run = start({});
    await untilSlow();
    expect(await coordinator.leases.read(coordinator.target)).toMatchObject({
      state: 'HELD',
      durationMs: TASK_START_SECONDS * 1000,
    });
    run.abort();
    await run.outcome;
  });

  test('takes no task when it is applied already', async () => {
    await (await coordinator.deploy(FILES)).start({}).outcome;
    const { start, functions, tasks } = await coordinator.deploy(FILES);
    expect(await start({}).outcome).toMatchObject({ output: { outcome: 'nothing-pending' } });
    expect([functions.calls, tasks?.started]).toEqual([1, 0]);
  });
});

describe('a migration that was measured', () => {
  test('runs in a task when the input says that it took long elsewhere; another one does not', async () => {
    const [example = ''] = codeBlocks('docs/long-work.md', 'json');
    const input = JSON.parse(example) as { slowest: { migration: string }[] };
    const measured = input.slowest[0]?.migration;
    const { start, tasks } = await coordinator.deploy({
      '0041_create_a.sql': 'CREATE TABLE a (id int);',
      [`${measured}.sql`]: 'CREATE TABLE b (id int);',
    });
    expect(await start(input).outcome).toMatchObject({ output: { outcome: 'applied', appliedCount: 2 } });
    expect(tasks?.started).toBe(1);
  });
});

describe('a task that fails', () => {
  test('ends the run as a function would: its error with file and line, everything reverted', async () => {
    const { start } = await coordinator.deploy({
      ...FILES,
      '0002_long.sql': `${LONG}CREATE TABLE b (id int);\nUPDATE b SET idd = 1;`,
    });
    const run = start({});
    const outcome = await run.outcome;

    expect(outcome).toMatchObject({ status: 'FAILED', error: 'MigrationFailedError' });
    expect('cause' in outcome && outcome.cause).toContain('0002_long.sql, line 3, column 14');
    expect(statesFromMigrate(run)).toEqual([
      StateName.Migrate,
      StateName.AllApplied,
      StateName.MigrateInTask,
      StateName.Migrate,
      StateName.RollBack,
      StateName.ReleaseLeaseAfterFailure,
      StateName.SignalRollBack,
      StateName.Failed,
    ]);
    expect(await tables()).toEqual([]);
    expect(coordinator.signalsOf(run.name)).toMatchObject([
      {
        signal: 'ROLL_BACK',
        reverted: ['0001_create_a'],
        notApplied: ['0001_create_a', '0002_long', '0003_create_c'],
        error: { name: 'MigrationFailedError', code: 'LS601' },
      },
    ]);
  });

  test('because its image has other migrations touches nothing', async () => {
    const { start } = await coordinator.deploy(FILES, { ...FILES, '0002_long.sql': `${LONG}SELECT 1;` });
    const run = start({});
    expect(await run.outcome).toMatchObject({ status: 'FAILED', error: 'BundleError' });
    expect(inTask(run)).toBe(1);
    expect(coordinator.signalsOf(run.name)).toMatchObject([
      { error: { code: 'LS615' }, reverted: ['0001_create_a'] },
    ]);
    expect(await tables()).toEqual([]);
  });
});

describe('a task that is killed', () => {
  test('is replaced by another one, and nothing runs twice', async () => {
    const { start, tasks } = await coordinator.deploy(slow(1));
    const run = start({});
    await untilSlow();
    for (const task of tasks?.running() ?? []) task.kill('SIGKILL');
    expect(await run.outcome).toMatchObject({ status: 'SUCCEEDED', output: { appliedCount: 2 } });
    expect(inTask(run)).toBe(2);
    expect(await effects()).toEqual({ n: 1 });
  });

  test('or asked to stop, as a host is retired, is replaced, too', async () => {
    const { start, tasks } = await coordinator.deploy(slow(1));
    const run = start({});
    await untilSlow();
    for (const task of tasks?.running() ?? []) task.kill('SIGTERM');
    expect(await run.outcome).toMatchObject({ status: 'SUCCEEDED', output: { appliedCount: 2 } });
    expect(await effects()).toEqual({ n: 1 });
  });

  test('three times over fails the run with the reason', async () => {
    const { start, tasks } = await coordinator.deploy(slow(3));
    const run = start({});
    let hasEnded = false;
    const outcome = run.outcome.finally(() => {
      hasEnded = true;
    });
    while (!hasEnded) {
      if ((await sleeping()).length > 0) for (const task of tasks?.running() ?? []) task.kill('SIGKILL');
      await sleep(50);
    }
    expect(await outcome).toMatchObject({ status: 'FAILED', error: 'MigrationFailedError' });
    expect(coordinator.signalsOf(run.name)).toMatchObject([
      { error: { code: 'LS616', message: expect.stringContaining('exit code 137') } },
    ]);
    expect(inTask(run)).toBe(3);
    expect(await sleeping()).toEqual([]);
  });

  test('with its run, in the console, leaves nothing behind, and the next run finishes', async () => {
    const { start, tasks } = await coordinator.deploy(slow(1));
    const run = start({});
    await untilSlow();
    run.abort();
    expect(await run.outcome).toEqual({ status: 'ABORTED' });
    await expect.poll(() => [...(tasks?.running() ?? [])]).toEqual([]);
    await expect.poll(sleeping).toEqual([]);
    expect(await coordinator.leases.read(coordinator.target)).toMatchObject({ state: 'FREE' });

    expect(await start({}).outcome).toMatchObject({ status: 'SUCCEEDED', output: { outcome: 'applied' } });
    expect(await effects()).toEqual({ n: 1 });
  });
});
