/** Repeatable objects in the workflow, against a real database and a DynamoDB API. */
import { afterAll, beforeAll, beforeEach, expect, test, vi } from 'vitest';

vi.hoisted(() =>
  Object.assign(process.env, { POWERTOOLS_LOG_LEVEL: 'SILENT', POWERTOOLS_METRICS_DISABLED: 'true' }),
);

import { type DatabaseRuntime, startDatabaseRuntime } from './database-runtime.ts';
import { migrateAll, steps } from './steps.ts';

const BEFORE = {
  '0001_users.sql': 'CREATE TABLE public.users (id int);',
  'R_names.sql': 'CREATE OR REPLACE VIEW public.names AS SELECT id FROM public.users;',
};
const RELEASE = {
  ...BEFORE,
  '0002_name.sql': 'ALTER TABLE public.users ADD COLUMN name text;',
  '0002_name.down.sql': 'DROP VIEW public.names; ALTER TABLE public.users DROP COLUMN name;',
  'R_names.sql':
    'DROP VIEW IF EXISTS public.names; CREATE VIEW public.names AS SELECT id, name FROM public.users;',
};

let runtime: DatabaseRuntime;
beforeAll(async () => {
  runtime = await startDatabaseRuntime();
});
beforeEach(async () => {
  await runtime.reset();
  await runtime.deploy(BEFORE);
  await migrateAll('run-before');
  await steps.releaseLease('run-before');
});
afterAll(() => runtime.close());

test('are planned with their hazards, applied after the migrations, and nothing is pending then', async () => {
  await runtime.deploy(RELEASE);
  const { plan } = await steps.plan('run-1');
  expect(plan).toMatchObject({ pending: ['0002_name', 'R_names'], pendingCount: 2 });
  const { progress, verdict } = await migrateAll('run-1');
  expect(progress).toMatchObject({ outcome: 'applied', appliedCount: 2 });
  expect(verdict).toMatchObject({ outcome: 'applied', applied: ['0002_name', 'R_names'] });
  await steps.releaseLease('run-1');
  expect(await steps.plan('run-2')).toMatchObject({ outcome: 'nothing-pending', plan: { pendingCount: 0 } });
});

test('alone are enough for a run', async () => {
  await runtime.deploy({
    ...BEFORE,
    'R_names.sql': `${BEFORE['R_names.sql']} COMMENT ON VIEW public.names IS 'all';`,
  });
  expect((await migrateAll('run-1')).verdict).toMatchObject({ applied: ['R_names'], appliedCount: 1 });
});

test('of a run that failed are not taken back with its migrations; the older bundle applies its own again', async () => {
  await runtime.deploy({ ...RELEASE, 'R_zulu.sql': 'SELECT nowhere;' });
  const error = await migrateAll('run-1').catch((thrown: unknown) => thrown);
  const verdict = await steps.rollBack('run-1', error);
  expect(verdict).toMatchObject({
    outcome: 'failed',
    error: { code: 'LS601' },
    applied: ['R_names'],
    reverted: ['0002_name'],
    notApplied: ['0002_name', 'R_names', 'R_zulu'],
  });
  expect(verdict.state).toContain('R_names was applied by this run and not taken back');
  await steps.releaseLease('run-1');
  await runtime.deploy(BEFORE);
  expect((await migrateAll('run-2')).verdict).toMatchObject({ applied: ['R_names'] });
  expect(await runtime.query('SELECT * FROM public.names')).toEqual([]);
});
