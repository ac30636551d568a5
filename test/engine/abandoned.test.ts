import { expect, it } from 'vitest';
import { failureOf, siteForTest } from './site.ts';

const FIRST = { '0001_t.sql': 'CREATE TABLE t (id int);' };
const SECOND = { '0002_half.sql': 'CREATE INDEX CONCURRENTLY t_id ON t (id); SELECT nowhere;' };
const MENDED = { '0002_half.sql': 'CREATE INDEX CONCURRENTLY t_id ON t (id); SELECT 1;' };
const THIRD = { '0003_u.sql': 'CREATE TABLE u ();' };

/** The second one is half applied. */
async function siteWithHalf() {
  const site = await siteForTest();
  await failureOf(site.up({ ...FIRST, ...SECOND }));
  return site;
}

it('nothing is built on a migration that is half applied and not in the files: LS612', async () => {
  const site = await siteWithHalf();
  const error = await failureOf(site.up({ ...FIRST, ...THIRD }));
  expect(error).toMatchObject({
    code: 'LS612',
    what: '0002_half is half applied, and these migrations lack it.',
    context: { revision: '0002' },
  });
  expect(await site.rows("SELECT to_regclass('u') AS u")).toEqual([{ u: null }]);
  expect((await site.up({ ...FIRST, ...MENDED, ...THIRD })).applied).toEqual(['0002_half', '0003_u']);
});

it('nor is anything else applied below it', async () => {
  const site = await siteWithHalf();
  await site.rows('DELETE FROM lockstep.entry');
  await site.rows('DROP TABLE t');
  expect(await failureOf(site.up(FIRST))).toMatchObject({ code: 'LS612' });
});

it('an older bundle, with nothing to apply, is no problem, and is told of it', async () => {
  const site = await siteWithHalf();
  const { outcome, plan } = await site.up(FIRST);
  expect({ outcome, halfAhead: plan.halfAhead }).toEqual({
    outcome: 'nothing-pending',
    halfAhead: [{ revision: '0002', slug: 'half' }],
  });
  expect((await site.up({ ...FIRST, ...MENDED })).plan.halfAhead).toEqual([]);
});
