/** Errors of another migrator in the workflow, each from its text to a run that succeeds, on the local runtime. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { makeBundle } from '../../lib/core/plan/catalog.ts';
import type { Deployment } from '../../lib/local/index.ts';
import { type LocalCoordinator, startCoordinator } from '../e2e/local-workflow.ts';
import { closeGate, failsWith, GATED_SQL, LONG_MS, printed, succeeds } from './account.ts';
import { says } from './ward.ts';

const MIGRATOR = `import pg from 'pg';
const client = new pg.Client(process.env.DATABASE_URL);
await client.connect();
await client.query('${GATED_SQL}');
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

test('LS804, by leaving out what is named', async () => {
  expect(await failsWith('LS804', deployed.start({ phase: 'expand' }))).toContain('phase');
  says('LS804', 'leave them out');
  await succeeds(deployed.start({}));
});

test('LS805, by a new run', async () => {
  const { start, tasks } = deployed;
  const gate = await closeGate(coordinator);
  const run = start({});
  await gate.isWaitedFor();
  for (const task of tasks!.running()) task.kill('SIGKILL');
  expect(await failsWith('LS805', run)).toContain('exit code 137');
  says('LS805', 'then start a new run');
  await gate.open();
  await succeeds(start({}));
});

test('LS806, by doing nothing', async () => {
  const { start, tasks } = deployed;
  const once = tasks!.run.bind(tasks);
  const gate = await closeGate(coordinator);
  tasks!.run = async (...request) => {
    const first = once(...request);
    await gate.isWaitedFor();
    await expect(once(...request)).rejects.toThrow();
    await gate.open();
    return first;
  };
  const run = start({});
  await succeeds(run);
  tasks!.run = once;
  expect(await readFile(join(coordinator.directory, 'tasks.log'), 'utf8')).toContain('LS806');
  expect(await printed(coordinator, 'LS806', 'runs show RUN', { RUN: run.name })).toContain('applied');
  await succeeds(start({}));
});
