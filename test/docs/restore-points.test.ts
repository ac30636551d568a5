/** docs/restore-points.md: what its command prints, for a run as the workflow records it. */
import { expect, test } from 'vitest';
import type { RestoreRecord } from '../../lib/core/restore-point/index.ts';
import { lockstep } from '../cli/command-line.ts';
import { siteForTest } from '../engine/site.ts';
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
const FILES = { '0001_accounts.sql': 'CREATE TABLE accounts (id int);' };

test('the plan is printed as the page shows it; a later attempt of the run forgets nothing of it', async () => {
  const site = await siteForTest();
  const restorePoint = 'lockstep-orders-9f86d081884c7d65';
  await site.attempt(FILES, { runId: 'release-12', restorePoint, restoreRecord: RECORD });
  await site.attempt(FILES, { runId: 'release-12', restorePoint });
  const { stdout } = await lockstep(['restore', 'plan', 'release-12'], { DATABASE_URL: site.url });
  const [shown = ''] = codeBlocks('docs/restore-points.md', 'console');
  const expected = shown.replace('$ lockstep restore plan release-12\n', '');
  const pattern = expected.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&').replaceAll('…', '[^\\n]+?');
  expect(stdout).toMatch(new RegExp(`^${pattern}$`));
});

test('a run without one, or that nobody knows, is an error with a code', async () => {
  const site = await siteForTest();
  await site.attempt(FILES, { runId: 'release-13' });
  const plan = (run: string) => lockstep(['restore', 'plan', run, '--json'], { DATABASE_URL: site.url });
  const without = await plan('release-13');
  expect(without.exitCode).toBe(2);
  expect(JSON.parse(without.stdout)).toMatchObject({ error: { code: 'LS720' } });
  await site.rows("UPDATE lockstep.run SET restore_point = 'by-hand'");
  expect(JSON.parse((await plan('release-13')).stdout).error.what).toContain('by-hand');
  expect(JSON.parse((await plan('release-14')).stdout)).toMatchObject({ error: { code: 'LS504' } });
});
