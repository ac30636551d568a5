/** Reports of runs on the local runtime: the synthesized machine, the function as it is, a stand-in for S3. */
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Verdict } from '../../lib/core/rollout/index.ts';
import { StateName } from '../../lib/core/workflow/index.ts';
import { type LocalCoordinator, startCoordinator } from './local-workflow.ts';

const FILES = {
  '0001_create_a.sql': 'CREATE TABLE a (id int, note text);',
  '0001_create_a.down.sql': 'DROP TABLE a;',
  '0002_drop_note.contract.sql': 'ALTER TABLE a DROP COLUMN note;',
  '0002_drop_note.down.sql': 'ALTER TABLE a ADD COLUMN note text;',
};

let coordinator: LocalCoordinator;
beforeEach(async () => {
  coordinator = await startCoordinator({ reports: true });
});
afterEach(() => coordinator.stop());

/** The verdict in the run's one event, and the page that it names. */
function told(run: string): { verdict: Verdict; page: string | undefined } {
  const [verdict] = coordinator.signalsOf(run);
  const [, bucket = '', key = ''] = /^s3:\/\/([^/]+)\/(.+)$/.exec(verdict?.report?.uri ?? '') ?? [];
  return { verdict: verdict!, page: coordinator.cloud.objects.read(bucket, key) };
}

test('a run that applies something keeps its report, names it in event and output, and one with nothing to do keeps none', async () => {
  const { start } = await coordinator.deploy(FILES);
  const run = start({});
  const outcome = await run.outcome;
  const { verdict, page } = told(run.name);
  expect(outcome).toEqual({ status: 'SUCCEEDED', output: verdict });
  expect(verdict.report?.url).toContain(`prefix=lockstep%2F${coordinator.target}%2F${run.name}.html`);
  expect(page).toContain('DROP COLUMN a.note is final');
  expect(page).toContain(verdict.message);

  const idle = start({});
  expect(await idle.outcome).toMatchObject({ status: 'SUCCEEDED' });
  expect(told(idle.name).verdict).not.toHaveProperty('report');
  expect(idle.events.map(({ state }) => state)).not.toContain(StateName.KeepReport);
});

test('a run that fails keeps one, too, which says what became of it', async () => {
  const { start } = await coordinator.deploy({ ...FILES, '0003_wrong.sql': 'SELECT nowhere;' });
  const run = start({});
  expect(await run.outcome).toMatchObject({ status: 'FAILED' });
  const { verdict, page } = told(run.name);
  expect(verdict).toMatchObject({ signal: 'ROLL_BACK', reverted: ['0002_drop_note', '0001_create_a'] });
  expect(page).toContain('LS601');
  expect(page).toContain('reverted again');
});

test('where nothing can be written the run goes as ever, with a warning', async () => {
  coordinator.cloud.objects.denies = () => true;
  const { start } = await coordinator.deploy(FILES);
  const run = start({});
  expect(await run.outcome).toMatchObject({ status: 'SUCCEEDED' });
  const { verdict } = told(run.name);
  expect(verdict).toMatchObject({ outcome: 'applied', warnings: [expect.stringMatching(/^LS750: .*403/)] });
  expect(verdict).not.toHaveProperty('report');
});
