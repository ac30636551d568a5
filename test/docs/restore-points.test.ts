/** docs/restore-points.md: what its command prints, for a run as the workflow records it. */
import { randomUUID } from 'node:crypto';
import { expect, inject, onTestFinished, test } from 'vitest';
import type { RestoreRecord } from '../../lib/core/restore-point/index.ts';
import { lockstep } from '../cli/command-line.ts';
import { configOf, siteForTest } from '../engine/site.ts';
import { queryRows } from '../support/postgres.ts';
import { codeBlocks } from './markdown.ts';

const RECORD: RestoreRecord = {
  method: 'snapshot',
  source: 'orders-production',
  at: '2026-11-21T15:00:00Z',
  settings: {
    type: 'instance',
    instanceClass: 'db.r8g.large',
    subnetGroup: 'private',
    securityGroups: ['sg-0a1b2c3d'],
    parameterGroup: 'orders-pg18',
    port: 5432,
    iamLogin: false,
    deletionProtection: true,
    multiAz: true,
    publiclyAccessible: false,
    storageType: 'gp3',
  },
};
const CLONE: RestoreRecord = {
  ...RECORD,
  method: 'clone',
  settings: {
    ...RECORD.settings,
    type: 'cluster',
    engine: 'aurora-postgresql',
    engineVersion: '17.7',
    capacity: { min: 0.5, max: 16 },
    instanceClass: null,
    members: [{ instanceClass: 'db.serverless', parameterGroup: null, publiclyAccessible: false }],
  },
};
/** What the page shows for this run, with anything where it has an ellipsis. */
function shownFor(run: string): RegExp {
  const asked = `$ lockstep restore plan ${run}\n`;
  const shown =
    codeBlocks('docs/restore-points.md', 'console').find((block) => block.startsWith(asked)) ?? '';
  const literally = shown.replace(asked, '').replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&');
  return new RegExp(`^${literally.replaceAll('…', '[^\\n]+?')}$`);
}

const FILES = { '0001_accounts.sql': 'CREATE TABLE accounts (id int);' };

test('the plan is printed as the page shows it; a later attempt of the run forgets nothing of it', async () => {
  const site = await siteForTest();
  const restorePoint = 'lockstep-orders-9f86d081884c7d65';
  await site.attempt(FILES, { runId: 'release-12', restorePoint, restoreRecord: RECORD });
  await site.attempt(FILES, { runId: 'release-12', restorePoint });
  const { stdout } = await lockstep(['restore', 'plan', 'release-12'], { DATABASE_URL: site.url });
  expect(stdout).toMatch(shownFor('release-12'));
});

test('the plan for a clone is printed as the page shows it', async () => {
  const site = await siteForTest();
  const restorePoint = 'lockstep-orders-9f86d081884c7d65';
  await site.attempt(FILES, { runId: 'release-15', restorePoint, restoreRecord: CLONE });
  const { stdout } = await lockstep(['restore', 'plan', 'release-15'], { DATABASE_URL: site.url });
  expect(stdout).toMatch(shownFor('release-15'));
});

test('of a run without one the plan goes back to where it began, as the page shows it', async () => {
  const site = await siteForTest();
  await site.attempt(FILES, { runId: 'release-7' });
  await site.rows("UPDATE lockstep.run SET run_id = 'nightly-7'");
  const plan = (...more: string[]) =>
    lockstep(['restore', 'plan', 'nightly-7', ...more], { DATABASE_URL: site.url });
  await site.rows('DELETE FROM lockstep.entry');
  expect((await plan()).stdout).toMatch(shownFor('nightly-7'));
  await site.rows('UPDATE lockstep.run SET began_at_lsn = NULL');
  const { startedAt, steps } = JSON.parse((await plan('--json')).stdout);
  expect(steps[0].command.at(-1)).toContain(`-c recovery_target_time=${startedAt} `);
  expect((await plan()).stdout).toMatch(/It began at \S+Z; backups/);
});

test('where the server does not tell how far its log is, as Aurora, runs go on and the amount is left out', async () => {
  const role = `untold_${randomUUID().replaceAll('-', '')}`;
  // Registered before the database's own: it runs after the database was dropped.
  onTestFinished(async () => {
    await queryRows(inject('postgresUrl'), `DROP ROLE ${role}`);
  });
  const site = await siteForTest();
  await site.rows(`CREATE ROLE ${role} LOGIN PASSWORD 'word'; CREATE SCHEMA lockstep AUTHORIZATION ${role};
    CREATE SCHEMA ${role} AUTHORIZATION ${role}; REVOKE EXECUTE ON FUNCTION pg_catalog.pg_current_wal_lsn FROM PUBLIC`);
  const url = Object.assign(new URL(site.url), { username: role, password: 'word' }).href;
  await site.up(FILES, { database: configOf(url) });
  const [run] = await site.rows<{ run_id: string }>(
    `UPDATE lockstep.run SET restore_point = 'a', restore_record = '${JSON.stringify(RECORD)}' RETURNING run_id`,
  );
  const { stdout } = await lockstep(['restore', 'plan', run!.run_id], { DATABASE_URL: url });
  expect(stdout).toMatch(
    /^Lost by that: all that was written for at least [^,]*, by whomever, and of the ledger:$/m,
  );
});

test('a run with one of which nothing is known, or that nobody knows, is an error with a code', async () => {
  const site = await siteForTest();
  await site.attempt(FILES, { runId: 'release-13' });
  const plan = (run: string) => lockstep(['restore', 'plan', run, '--json'], { DATABASE_URL: site.url });
  await site.rows("UPDATE lockstep.run SET restore_point = 'by-hand'");
  const byHand = await plan('release-13');
  expect(byHand.exitCode).toBe(2);
  expect(JSON.parse(byHand.stdout).error).toMatchObject({
    code: 'LS720',
    what: expect.stringContaining('by-hand'),
  });
  expect(JSON.parse((await plan('release-14')).stdout)).toMatchObject({ error: { code: 'LS504' } });
});
