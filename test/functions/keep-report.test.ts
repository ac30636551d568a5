/** Keep report on a real ledger and a stand-in for S3: where it is goes into the verdict, whatever fails is a warning there. */
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { handler } from '../../functions/keep-report.ts';
import { type Verdict, verdictSchema } from '../../lib/core/rollout/index.ts';
import { LocalObjects } from '../../lib/local/aws/objects.ts';
import { type DatabaseRuntime, startDatabaseRuntime } from './database-runtime.ts';
import { contextOf, runOf } from './function-runtime.ts';
import { migrateAll, steps } from './steps.ts';

const FILES = {
  '0001_users.sql': 'CREATE TABLE public.users (id int, name text);\n',
  '0002_drop_name.contract.sql': 'ALTER TABLE public.users DROP COLUMN name;\n',
};

const objects = new LocalObjects();
let runtime: DatabaseRuntime;
beforeAll(async () => {
  runtime = await startDatabaseRuntime({ s3: objects });
});
beforeEach(async () => {
  await runtime.reset();
  await runtime.deploy(FILES);
  runtime.set('reportBucket', 'reports');
  runtime.set('reportPrefix', 'lockstep/');
  objects.denies = () => false;
});
afterAll(() => runtime.close());

const keep = (run: string, verdict: Verdict) => handler({ run: runOf(run), verdict }, contextOf());
const keyOf = (run: string) => `lockstep/${runtime.target()}/${run}.html`;

test('writes the page of a run, with what the verdict says and the hazards of its bundle', async () => {
  const { verdict } = await migrateAll('run-1');
  const kept = await keep('run-1', verdict!);
  expect(kept).toEqual({
    ...verdict,
    report: {
      uri: `s3://reports/${keyOf('run-1')}`,
      url: `https://us-east-1.console.aws.amazon.com/s3/object/reports?region=us-east-1&prefix=${encodeURIComponent(keyOf('run-1'))}`,
    },
  });
  expect(verdictSchema.parse(kept)).toEqual(kept);
  const page = objects.read('reports', keyOf('run-1'));
  expect(page).toMatch(/^<!doctype html>/);
  expect(page).toContain(verdict!.message);
  expect(page).toContain('DROP COLUMN public.users.name is final');
});

test('of a failed run has the same place, and is written anew when it is called again', async () => {
  await runtime.deploy({ ...FILES, '0003_wrong.sql': 'SELECT nowhere;\n' });
  const error = await migrateAll('run-1').catch((thrown: unknown) => thrown);
  const verdict = await steps.rollBack('run-1', error);
  const first = await keep('run-1', verdict);
  expect(await keep('run-1', verdict)).toEqual(first);
  const page = objects.read('reports', keyOf('run-1'));
  expect(page).toContain('LS601');
  expect(page).toContain('<p class="verdict">Failed</p>');
});

test('that cannot be written is a warning, and the verdict is what it was', async () => {
  const { verdict } = await migrateAll('run-1');
  objects.denies = () => true;
  expect(await keep('run-1', verdict!)).toEqual({
    ...verdict,
    warnings: [expect.stringMatching(/^LS750: The report of the run could not be kept: .*AccessDenied/)],
  });
});

test('is a warning, too, when the database is gone', async () => {
  const { verdict } = await migrateAll('run-1');
  runtime.set('databaseName', 'nowhere');
  expect(await keep('run-1', verdict!)).toMatchObject({ warnings: [expect.stringContaining('LS308')] });
});

test('there is none of a run that never got as far as to the ledger', async () => {
  const { verdict } = await migrateAll('run-1');
  expect(await keep('another', verdict!)).toEqual(verdict);
});
