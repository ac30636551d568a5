/** Errors of another migrator in the workflow, each from its text to a run that succeeds, on the local runtime. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, beforeAll, expect, onTestFinished, test, vi } from 'vitest';
import { makeBundle } from '../../lib/core/plan/catalog.ts';
import type { Deployment } from '../../lib/local/index.ts';
import { type LocalCoordinator, startCoordinator } from '../e2e/local-workflow.ts';
import { failsWith, LONG_MS, printed, succeeds } from './account.ts';
import { says } from './ward.ts';

/** Waits for as long as somebody holds the lock. */
const GATE = 4714;
const MIGRATOR = `import pg from 'pg';
const client = new pg.Client(process.env.DATABASE_URL);
await client.connect();
await client.query('SELECT pg_advisory_xact_lock(${GATE})');
await client.end();`;

vi.setConfig({ testTimeout: LONG_MS });

let coordinator: LocalCoordinator;
let deployed: Deployment;
beforeAll(async () => {
  coordinator = await startCoordinator({
    runner: [process.execPath, '--input-type=module', '-e', MIGRATOR],
  });
  const bundle = join(coordinator.directory, 'bundle.json');
  await writeFile(bundle, JSON.stringify(makeBundle([], [])));
  deployed = coordinator.cloud.deploy(bundle);
}, LONG_MS);
afterAll(() => coordinator.stop());

/** A session that keeps the command waiting, until it is called. */
async function holdGate(): Promise<() => Promise<void>> {
  const client = new pg.Client({ connectionString: coordinator.url });
  await client.connect();
  onTestFinished(() => client.end());
  await client.query(`SELECT pg_advisory_lock(${GATE})`);
  return async () => void (await client.query(`SELECT pg_advisory_unlock(${GATE})`));
}
const isGated = () =>
  vi.waitUntil(
    async () =>
      (
        await coordinator.query(
          `SELECT FROM pg_locks WHERE locktype = 'advisory' AND objid = ${GATE} AND NOT granted AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`,
        )
      ).length > 0,
    { timeout: LONG_MS, interval: 20 },
  );

test('LS804, by leaving out what is named', async () => {
  expect(await failsWith('LS804', deployed.start({ phase: 'expand' }))).toContain('phase');
  says('LS804', 'leave them out');
  await succeeds(deployed.start({}));
});

test('LS805, by a new run', async () => {
  const { start, tasks } = deployed;
  const open = await holdGate();
  const run = start({});
  await isGated();
  for (const task of tasks!.running()) task.kill('SIGKILL');
  expect(await failsWith('LS805', run)).toContain('exit code 137');
  says('LS805', 'then start a new run');
  await open();
  await succeeds(start({}));
});

test('LS806, by doing nothing', async () => {
  const { start, tasks } = deployed;
  const once = tasks!.run.bind(tasks);
  const open = await holdGate();
  tasks!.run = async (...request) => {
    const first = once(...request);
    await isGated();
    await expect(once(...request)).rejects.toThrow();
    await open();
    return first;
  };
  const run = start({});
  await succeeds(run);
  tasks!.run = once;
  expect(await readFile(join(coordinator.directory, 'tasks.log'), 'utf8')).toContain('LS806');
  expect(await printed(coordinator, 'LS806', 'runs show RUN', { RUN: run.name })).toContain('applied');
  await succeeds(start({}));
});
