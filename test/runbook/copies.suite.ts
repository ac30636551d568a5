/** Errors and the alarm of restore points, rehearsals and copies, each from its text to a run that succeeds. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, onTestFinished, test, vi } from 'vitest';
import { StateName as S } from '../../lib/core/workflow/index.ts';
import { AwsError } from '../../lib/local/aws/service.ts';
import type { StackOptions } from '../../lib/local/index.ts';
import { bundleOf, startCoordinator } from '../e2e/local-workflow.ts';
import { copiesLeft, runtimeOf } from '../e2e/rehearsing.ts';
import { queryRows } from '../support/postgres.ts';
import { failsWith, impatient, LONG_MS, succeeds } from './account.ts';
import { call, says } from './ward.ts';

const FILES = { '0001_a.sql': 'CREATE TABLE a (id int);' };

vi.setConfig({ testTimeout: LONG_MS });

async function runtimeWith(stack: StackOptions = {}) {
  const runtime = await runtimeOf(stack);
  impatient(runtime);
  return { runtime, deployed: runtime.cloud.deploy(await bundleOf(FILES, runtime.directory)) };
}

const refuse = (code: string, message: string) => () => {
  throw new AwsError(code, message);
};

test('LS701, by deleting snapshots that nobody needs', async () => {
  const { runtime, deployed } = await runtimeWith();
  const { rds } = runtime.cloud.services;
  const { CreateDBSnapshot } = rds;
  const full = 'Cannot create more than 100 manual snapshots';
  Object.assign(rds, { CreateDBSnapshot: refuse('SnapshotQuotaExceeded', full) });
  expect(await failsWith('LS701', deployed.start({}))).toContain(full);
  says('LS701', 'Quota: delete manual snapshots', 'Then start again');
  Object.assign(rds, { CreateDBSnapshot });
  const run = deployed.start({});
  await succeeds(run);
  expect(await run.outcome).toMatchObject({ output: { restorePoint: expect.stringMatching(/^lockstep-/) } });
});

test('LS745, by rehearsing on a new copy', async () => {
  const coordinator = await startCoordinator({ rehearsal: 'required' });
  onTestFinished(() => coordinator.stop());
  const bundle = await coordinator.bundle(FILES);
  const { start } = coordinator.cloud.deploy(bundle);
  await failsWith('LS745', start({}));
  says('LS745', 'rehearse on a new copy with the bundle that is deployed', 'with the result as its input');
  const copy = `${coordinator.target}_copy`;
  const maintenance = Object.assign(new URL(coordinator.url), { pathname: '/postgres' }).href;
  await queryRows(maintenance, `CREATE DATABASE ${copy} TEMPLATE ${coordinator.target}`);
  onTestFinished(async () => void (await queryRows(maintenance, `DROP DATABASE ${copy} WITH (FORCE)`)));
  const out = join(coordinator.directory, 'rehearsal.json');
  const on = Object.assign(new URL(coordinator.url), { pathname: `/${copy}` }).href;
  const line = ['rehearse', '--bundle', bundle, '--on', on, '--out', out];
  expect(await call(line, { url: coordinator.url })).toMatchObject({ exitCode: 0 });
  await succeeds(start(JSON.parse(await readFile(out, 'utf8'))));
});

test('Alarm: copy left, which is deleted by hand', async () => {
  const { runtime, deployed } = await runtimeWith({ rehearsal: {} });
  const { rds } = runtime.cloud.services;
  const { DeleteDBInstance } = rds;
  Object.assign(rds, { DeleteDBInstance: refuse('AccessDenied', 'not allowed') });
  const run = deployed.start({});
  // The run goes on without it.
  await succeeds(run);
  expect(run.events.some(({ kind, state }) => kind === 'failed' && state === S.RemoveCopy)).toBe(true);
  says('Alarm: copy left', 'shows what is left', 'delete them by hand');
  const [left] = await copiesLeft(runtime);
  expect(left).toBeDefined();
  Object.assign(rds, { DeleteDBInstance });
  await DeleteDBInstance?.({ DBInstanceIdentifier: left });
  expect(await copiesLeft(runtime)).toEqual([]);
  await succeeds(deployed.start({}));
});
