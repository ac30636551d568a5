/**
 * Another migrator in the workflow: the state machine as CDK synthesizes it with `runner`, the functions as they are, and
 * the container's command line as a process of its own, `lockstep exec` in front of a migrator that takes no lock.
 */
import { mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { makeBundle } from '../../lib/core/plan/catalog.ts';
import { StateName, TASK_START_SECONDS } from '../../lib/core/workflow/index.ts';
import type { Deployment, LocalExecution, PostgresServer } from '../../lib/local/index.ts';
import { lockstep } from '../cli/command-line.ts';
import { type LocalCoordinator, startCoordinator } from './local-workflow.ts';

const MODULES = join(import.meta.dirname, '..', '..', 'node_modules');

/** As dbmate does it: which are there, then each that is missing, with its row. It notes each begin in a file. */
const MIGRATOR = `import { appendFileSync } from 'node:fs';
import pg from 'pg';
import { migrations } from './migrations.mjs';
appendFileSync(new URL('begun', import.meta.url), process.env.LOCKSTEP_TOKEN + '\\n');
const client = new pg.Client(process.env.DATABASE_URL);
await client.connect();
await client.query('CREATE TABLE IF NOT EXISTS schema_migrations (version varchar PRIMARY KEY)');
for (const [version, sql] of Object.entries(migrations)) {
  const { rows } = await client.query('SELECT FROM schema_migrations WHERE version = $1', [version]);
  if (rows.length > 0) continue;
  await client.query(sql);
  await client.query('INSERT INTO schema_migrations VALUES ($1)', [version]);
}
await client.end();
`;

const FIRST = { '0001': 'CREATE TABLE a (id int)' };
const SLOW = { ...FIRST, '0002': 'SELECT pg_sleep(600)' };

let folder: string;
let coordinator: LocalCoordinator;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lockstep-runner-'));
  await writeFile(join(folder, 'migrate.mjs'), MIGRATOR);
  await symlink(MODULES, join(folder, 'node_modules'));
  coordinator = await start();
});
afterEach(async () => {
  await coordinator.stop();
  await rm(folder, { recursive: true, force: true });
});

const start = (options: Parameters<typeof startCoordinator>[0] = {}): Promise<LocalCoordinator> =>
  startCoordinator({ runner: [process.execPath, join(folder, 'migrate.mjs')], ...options });

/** The functions have a bundle of no migrations, as the construct gives it to them. */
async function deploy(migrations: object): Promise<Deployment> {
  await writeFile(
    join(folder, 'migrations.mjs'),
    `export const migrations = ${JSON.stringify(migrations)};\n`,
  );
  const bundle = join(folder, 'bundle.json');
  await writeFile(bundle, JSON.stringify(makeBundle([], [])));
  return coordinator.cloud.deploy(bundle);
}
/** The tokens of the commands that were begun. */
const begun = async (): Promise<string[]> =>
  (await readFile(join(folder, 'begun'), 'utf8').catch(() => '')).split('\n').filter(Boolean);
const statesOf = ({ events }: LocalExecution) =>
  events.filter(({ kind }) => kind === 'entered').map(({ state }) => state);
const sleeping = () =>
  coordinator.query(
    `SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'PgSleep'`,
  );
async function until(holds: () => Promise<boolean>): Promise<void> {
  while (!(await holds())) await sleep(50);
}
const isSlow = async () => (await sleeping()).length > 0;
const runs = () => coordinator.query('SELECT verdict, error, command FROM lockstep.run ORDER BY started_at');
const lease = () => coordinator.leases.read(coordinator.target);

describe('a run', () => {
  test('hands its lease over to the task, and its verdict says what the migrator changed', async () => {
    const run = (await deploy(FIRST)).start({});
    expect(await run.outcome).toMatchObject({
      status: 'SUCCEEDED',
      output: {
        outcome: 'applied',
        signal: 'ROLL_OUT',
        applied: ['0001'],
        appliedCount: 1,
        message: 'node ended well (public.schema_migrations: added 0001).',
      },
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
      StateName.MigrateInTask,
      StateName.Migrate,
      StateName.AllApplied,
      StateName.ReleaseLease,
      StateName.SignalRollOut,
      StateName.Succeeded,
    ]);
    expect(await begun()).toEqual(['1']);
    expect(await coordinator.query('SELECT run_id, holder, verdict, histories FROM lockstep.run')).toEqual([
      {
        run_id: run.name,
        holder: expect.stringContaining(`:execution:`),
        verdict: 'applied',
        histories: [{ tool: 'dbmate', table: 'public.schema_migrations', added: ['0001'], removed: [] }],
      },
    ]);
    expect(await lease()).toMatchObject({ state: 'FREE' });
    expect(coordinator.signalsOf(run.name)).toMatchObject([{ signal: 'ROLL_OUT', applied: ['0001'] }]);
  });

  test('that finds nothing to do says so afterwards, and rolls out', async () => {
    const { start } = await deploy(FIRST);
    await start({}).outcome;
    expect(await start({}).outcome).toMatchObject({
      status: 'SUCCEEDED',
      output: {
        outcome: 'nothing-pending',
        signal: 'ROLL_OUT',
        applied: [],
        message: 'node ended well and changed no history table that Lockstep knows.',
      },
    });
    expect(await begun()).toEqual(['1', '2']);
  });

  test('is one of three at once: one command at a time, each migration once', async () => {
    const { start } = await deploy({ '0001': 'CREATE TABLE a (id int); SELECT pg_sleep(1)' });
    const outcomes = await Promise.all([start({}), start({}), start({})].map((run) => run.outcome));
    expect(outcomes.map(({ status }) => status)).toEqual(['SUCCEEDED', 'SUCCEEDED', 'SUCCEEDED']);
    expect(await begun()).toHaveLength(3);
    const changed = await coordinator.query(
      'SELECT count(*)::int AS n FROM lockstep.run WHERE jsonb_array_length(histories) > 0',
    );
    expect(changed).toEqual([{ n: 1 }]);
  }, 120_000);

  test('keeps in the ledger to which time the database can go back, and a report where that is asked for', async () => {
    await coordinator.stop();
    // A time needs no copy of the server.
    coordinator = await start({ server: {} as PostgresServer, reports: true });
    const run = (await deploy(FIRST)).start({});
    const outcome = await run.outcome;
    expect(outcome).toMatchObject({ output: { report: expect.anything() } });
    const { restorePoint } = (outcome as unknown as { output: { restorePoint: string } }).output;
    expect(restorePoint).toMatch(/^\d{4}-.*Z$/);
    const plan = await lockstep(['restore', 'plan', run.name, '--json'], { DATABASE_URL: coordinator.url });
    expect(JSON.parse(plan.stdout)).toMatchObject({ restorePoint, record: { method: 'point-in-time' } });
  });

  test('that is asked for what only Lockstep can do begins nothing', async () => {
    const { start } = await deploy(FIRST);
    const run = start({ phase: 'expand', toRevision: '1' });
    const outcome = await run.outcome;
    expect(outcome).toMatchObject({ status: 'FAILED', error: 'ConfigurationError' });
    expect('cause' in outcome && outcome.cause).toContain('toRevision and phase');
    expect(await start({ dryRun: true }).outcome).toMatchObject({
      output: { outcome: 'dry-run', signal: 'NONE' },
    });
    expect(await begun()).toEqual([]);
  });
});

describe('a command', () => {
  test('that fails sends the release back, and what it did stays and is told', async () => {
    const run = (await deploy({ ...FIRST, '0002': 'SELECT 1 / 0' })).start({});
    const outcome = await run.outcome;
    expect(outcome).toMatchObject({ status: 'FAILED', error: 'MigrationFailedError' });
    expect('cause' in outcome && outcome.cause).toContain('LS801: node ended with exit code 1.');
    expect(coordinator.signalsOf(run.name)).toMatchObject([
      {
        signal: 'ROLL_BACK',
        error: { code: 'LS801' },
        state:
          'It ran node (public.schema_migrations: added 0001); what that changed stays. Lockstep takes back only what it has run itself.',
      },
    ]);
    expect(await lease()).toMatchObject({ state: 'FREE' });
    expect(await (await deploy(FIRST)).start({}).outcome).toMatchObject({ status: 'SUCCEEDED' });
  });

  test('that is not there is told as such', async () => {
    await rm(join(folder, 'migrate.mjs'));
    const run = (await deploy(FIRST)).start({});
    await run.outcome;
    expect(coordinator.signalsOf(run.name)).toMatchObject([{ error: { code: 'LS801' } }]);
  });

  test('whose container is killed is not begun again, and nothing of it goes on', async () => {
    const { start, tasks } = await deploy(SLOW);
    const run = start({});
    await until(isSlow);
    for (const task of tasks?.running() ?? []) task.kill('SIGKILL');
    expect(await run.outcome).toMatchObject({ status: 'FAILED', error: 'MigrationFailedError' });
    const [signal] = coordinator.signalsOf(run.name);
    expect(signal).toMatchObject({ signal: 'ROLL_BACK', error: { code: 'LS805' } });
    expect(signal?.error?.message).toContain('while node ran');
    expect(signal?.error?.message).toContain('exit code 137');
    expect(await begun()).toEqual(['1']);
  });

  test('is ended with its children and its session when the run is stopped in the console', async () => {
    const { start, tasks } = await deploy(SLOW);
    const run = start({});
    await until(isSlow);
    // Long enough for a container to start.
    expect(await lease()).toMatchObject({ state: 'HELD', durationMs: TASK_START_SECONDS * 1000 });
    run.abort();
    expect(await run.outcome).toEqual({ status: 'ABORTED' });
    await expect.poll(() => [...(tasks?.running() ?? [])], { timeout: 30_000 }).toEqual([]);
    await until(async () => !(await isSlow()));
    await expect.poll(lease, { timeout: 30_000 }).toMatchObject({ state: 'FREE' });
    expect(await runs()).toMatchObject([{ verdict: 'failed' }]);
  });
});
