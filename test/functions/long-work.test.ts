/** What the function leaves to a task, and what it makes of one that has ended; against a real database. */
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';

vi.hoisted(() =>
  Object.assign(process.env, { POWERTOOLS_LOG_LEVEL: 'SILENT', POWERTOOLS_METRICS_DISABLED: 'true' }),
);

import { LongWork } from '../../functions/_runtime/long-work.ts';
import { ATTEMPT_SETTINGS, openAttempt, taskInputOf } from '../../functions/_runtime/migrate-attempt.ts';
import { logger, metrics } from '../../functions/_runtime/observability.ts';
import { RevisionTrace } from '../../functions/_runtime/revision-trace.ts';
import { readSettings } from '../../functions/_runtime/settings.ts';
import { type MigrateOutput, TASK_START_SECONDS } from '../../lib/core/workflow/index.ts';
import { type DatabaseRuntime, startDatabaseRuntime } from './database-runtime.ts';
import { migrateAll, steps } from './steps.ts';

let runtime: DatabaseRuntime;
beforeAll(async () => {
  runtime = await startDatabaseRuntime();
});
beforeEach(async () => {
  await runtime.reset();
  runtime.set('taskTimeoutSeconds', '3600');
});
afterAll(() => runtime.close());

const tables = async () =>
  (
    await runtime.query<{ relname: string }>(
      "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace ORDER BY 1",
    )
  ).map((row) => row.relname);

/** Plan, Acquire lease and one call of Migrate. */
async function migrateOnce(timeoutMs: number, files: Readonly<Record<string, string>>) {
  await runtime.deploy(files);
  const planned = await steps.plan('run-1');
  await steps.acquireLease('run-1');
  return steps.migrate(planned, timeoutMs);
}
const run = async () =>
  (await runtime.query('SELECT verdict, error FROM lockstep.run')) as { verdict: string; error: string }[];
const afterTask = (state: MigrateOutput) => steps.migrate(state, 8_000);

describe('a statement that outlasts a whole call', () => {
  const SLOW = { '0001_slow.sql': 'CREATE TABLE public.a (id int); SELECT pg_sleep(60);' };

  test('goes on in a task, for which the lease is lengthened, and never again in the function', async () => {
    const state = await migrateOnce(8_000, SLOW);
    expect(state).toMatchObject({
      progress: {
        outcome: 'more',
        next: 'task',
        task: { run: { id: 'run-1' }, plan: { toRevision: null, bundleDigest: state.plan.bundleDigest } },
      },
      plan: { measured: [{ migration: '0001_slow' }] },
      verdict: null,
    });
    expect(await tables()).toEqual([]);
    // The task would find it as it was left: nothing has failed.
    expect(await run()).toEqual([{ verdict: 'running', error: null }]);
    expect(await runtime.leases.read(runtime.target())).toMatchObject({
      state: 'HELD',
      durationMs: TASK_START_SECONDS * 1000,
    });

    const startedMs = performance.now();
    const killed = await afterTask(state);
    expect(killed.progress).toMatchObject({ outcome: 'more', next: 'task', idleTasks: 1 });
    const again = await afterTask(killed);
    expect(again.progress).toMatchObject({ idleTasks: 2 });
    await expect(afterTask(again)).rejects.toMatchObject({ code: 'LS616' });
    expect(performance.now() - startedMs).toBeLessThan(60_000);
  });

  test('fails the run where there are no tasks', async () => {
    runtime.set('taskTimeoutSeconds', '');
    await expect(migrateOnce(8_000, SLOW)).rejects.toMatchObject({
      code: expect.stringMatching(/^LS60[45]$/),
    });
  });

  test('because of a limit of its own fails the run, wherever it runs', async () => {
    const files = { '0001_slow.sql': '-- lockstep: statement-timeout=100ms\nSELECT pg_sleep(60);' };
    await expect(migrateOnce(60_000, files)).rejects.toMatchObject({ code: 'LS604' });
    expect(await run()).toMatchObject([{ verdict: 'failed' }]);
  });

  test('is handed to nobody by a run that was stopped meanwhile: the lease stays free', async () => {
    await runtime.deploy({ '0001_long.sql': '-- lockstep: expected-duration=1h\nSELECT 1;' });
    const input = await steps.plan('run-1');
    await steps.acquireLease('run-1');
    const observed = { log: logger, metrics, trace: new RevisionTrace(() => undefined) };
    const attempt = await openAttempt(taskInputOf(input), readSettings(ATTEMPT_SETTINGS), observed);
    const long = new LongWork(input, attempt, () => 600_000, true);
    await runtime.leases.forceRelease(runtime.target());
    const result = {
      outcome: 'more',
      applied: [],
      notApplied: ['0001_long'],
      stepsDone: 0,
      token: 1,
    } as const;
    await expect(long.next(result, { outcome: 'more', calls: 1, appliedCount: 0 })).rejects.toMatchObject({
      code: 'LS402',
    });
    expect(await runtime.leases.read(runtime.target())).toMatchObject({ state: 'FREE' });
  });
});

describe('a migration that is known to take a while', () => {
  const FILES = {
    '0001_a.sql': 'CREATE TABLE public.a (id int); SELECT pg_sleep(2.5);',
    '0002_b.sql': '-- lockstep: expected-duration=5s\nCREATE TABLE public.b (id int);',
  };

  test.each([
    ['with tasks', '3600', 12_000],
    ['without', '', 10_000],
  ])(
    'waits for a call of its own when the rest of this one is too short, %s',
    async (_, tasks, timeoutMs) => {
      runtime.set('taskTimeoutSeconds', tasks);
      const state = await migrateOnce(timeoutMs, FILES);
      expect(state.progress).toMatchObject({ outcome: 'more', appliedCount: 1 });
      expect(state.progress.next).not.toBe('task');
      expect(await tables()).toEqual(['a']);
      expect((await steps.migrate(state, 60_000)).verdict).toMatchObject({ appliedCount: 2 });
    },
  );
});

describe('after a task', () => {
  const FILES = {
    '0001_a.sql': 'CREATE TABLE public.a (id int);',
    '0002_long.sql': '-- lockstep: expected-duration=1h\nCREATE TABLE public.b (id int);',
    '0003_c.sql': 'CREATE TABLE public.c (id int);',
  };

  test('that did all the rest, there is nothing left but the verdict', async () => {
    const state = await migrateOnce(60_000, FILES);
    expect(state.progress).toMatchObject({ next: 'task', appliedCount: 1 });
    // As the task does it: the same attempt, with more time and no other place to go.
    runtime.set('taskTimeoutSeconds', '');
    await steps.migrate(state);
    runtime.set('taskTimeoutSeconds', '3600');
    expect(await steps.migrate(state)).toMatchObject({
      progress: { outcome: 'applied', appliedCount: 3 },
      verdict: { outcome: 'applied', applied: ['0001_a', '0002_long', '0003_c'] },
    });
  });

  test('that failed, the run fails with what the task wrote, and nothing is tried again', async () => {
    const state = await migrateOnce(60_000, FILES);
    await runtime.query(
      "UPDATE lockstep.run SET verdict = 'failed', error = 'LS601: 0002_long.sql, line 2: no.', finished_at = now()",
    );
    await expect(afterTask(state)).rejects.toMatchObject({
      name: 'MigrationFailedError',
      message: expect.stringMatching(/^LS601: 0002_long\.sql, line 2: no\.\n/),
    });
    expect(await tables()).toEqual(['a']);
  });
});

describe('the slowest migrations of a database', () => {
  const FILES = {
    '0001_a.sql': 'CREATE TABLE public.a (id int); CREATE INDEX CONCURRENTLY a_id ON public.a (id);',
    '0002_b.sql': 'CREATE TABLE public.b (id int);',
    '0003_c.sql': 'CREATE TABLE public.c (id int);',
  };

  test('are in the verdict, and in the next run’s, by their longest step; quick ones are not', async () => {
    await runtime.deploy(FILES);
    expect((await migrateAll('run-1')).verdict?.slowest).toEqual([]);
    await runtime.query("UPDATE lockstep.journal SET at = at - interval '5 minutes' WHERE step = 0");
    await runtime.query("UPDATE lockstep.entry SET duration_ms = 60000 WHERE slug = 'b'");
    const { verdict } = await steps.plan('run-2');
    expect(verdict?.slowest).toMatchObject([
      { migration: '0001_a' },
      { migration: '0002_b', durationMs: 60_000 },
    ]);
    expect(verdict?.slowest[0]?.durationMs).toBeGreaterThanOrEqual(300_000);
  });

  test('as input of another database’s run count for what is pending there', async () => {
    await runtime.deploy(FILES);
    const slowest = ['0002_b', '0009_unknown'].map((migration) => ({ migration, durationMs: 3_600_000 }));
    const state = await migrateAll('run-1', { slowest }).catch((error: unknown) => error);
    // It is for a task, and here is none that would end.
    expect(state).toMatchObject({ code: 'LS616' });
    expect(await tables()).toEqual(['a']);
  });
});
