import { expect, it } from 'vitest';
import { readLedger } from '../../lib/adapters/postgres/index.ts';
import { type EngineEvent, readPlan, waitUntilApplied } from '../../lib/engine/index.ts';
import { failureOf, siteForTest, sourceOf } from './site.ts';

const table = (name: string) => ({
  [`${name}.sql`]: `CREATE TABLE t${name.slice(0, 4)} (at timestamptz DEFAULT clock_timestamp()); INSERT INTO t${name.slice(0, 4)} DEFAULT VALUES;`,
  [`${name}.down.sql`]: `DROP TABLE t${name.slice(0, 4)};`,
});
const [A, B, C, D] = ['0001_a', '0002_b', '0003_c', '0004_d'].map(table);
const ALL = { ...A, ...B, ...C, ...D };
const outOfOrder = 'allow';

it('refuses what comes too late unless it is allowed, and then applies it in ascending order', async () => {
  const site = await siteForTest();
  await site.up({ ...A, ...D });
  expect(await failureOf(site.up(ALL))).toMatchObject({ code: 'LS502' });
  const events: EngineEvent[] = [];
  const result = await site.up(
    { ...ALL, '0005_e.sql': 'SELECT 1;' },
    { outOfOrder, on: (event) => events.push(event) },
  );
  expect(result).toMatchObject({
    outcome: 'applied',
    applied: ['0002_b', '0003_c', '0005_e'],
    outOfOrder: ['0002_b', '0003_c'],
  });
  expect(events.filter(({ kind }) => kind === 'out-of-order')).toEqual([
    { kind: 'out-of-order', migration: '0002_b', above: '0004' },
    { kind: 'out-of-order', migration: '0003_c', above: '0004' },
  ]);
  expect((await site.up(ALL)).outcome).toBe('ahead');
});

it('says so in the plan, and waits for it where it is allowed', async () => {
  const site = await siteForTest();
  await site.up({ ...A, ...D });
  const context = { ...site.context(), source: sourceOf(ALL) };
  expect(await failureOf(waitUntilApplied({ ...context, timeoutMs: 0 }))).toMatchObject({ code: 'LS502' });
  const { plan } = await readPlan({ ...context, outOfOrder });
  expect(plan.outOfOrder).toMatchObject([{ revision: '0002', highestApplied: '0004' }, { revision: '0003' }]);
  const waiting = waitUntilApplied({ ...context, outOfOrder, timeoutMs: 20_000 });
  await site.up(ALL, { outOfOrder });
  expect((await waiting).plan).toMatchObject({ outcome: 'nothing-pending' });
});

it('reverts by the order in which they were applied', async () => {
  const site = await siteForTest();
  await site.up({ ...A, ...D });
  await site.up({ ...A, ...C, ...D }, { outOfOrder });
  await site.up(ALL, { outOfOrder });
  expect((await site.down({ kind: 'count', count: 1 })).reverted).toEqual(['0002_b']);
  expect((await site.down({ kind: 'to', revision: '1' })).reverted).toEqual(['0003_c', '0004_d']);
});

it('a repaired entry keeps its place', async () => {
  const site = await siteForTest();
  await site.up({ ...A, ...B });
  await site.rows(`INSERT INTO lockstep.entry (revision, ordinal, kind, written_as, slug, phase, sha256, normalized_sha256, run_id, token, down)
    SELECT revision, 2, 'repaired', written_as, slug, phase, sha256, normalized_sha256, run_id, token, down FROM lockstep.entry WHERE revision = 1`);
  const { current } = await readLedger(await site.session());
  expect(current).toMatchObject([
    { entryId: '3', appliedEntryId: '1' },
    { entryId: '2', appliedEntryId: '2' },
  ]);
  expect((await site.down({ kind: 'count', count: 1 })).reverted).toEqual(['0002_b']);
});

it('reverts nothing beneath a migration that is half applied out of order: LS606', async () => {
  const site = await siteForTest();
  await site.up({ ...A, ...D });
  const half = { '0002_b.sql': 'CREATE TABLE t0002 (); VACUUM t0002; SELECT nowhere;' };
  await failureOf(site.up({ ...A, ...half, ...D }, { outOfOrder }));
  const error = await failureOf(site.down({ kind: 'count', count: 1 }));
  expect(error).toMatchObject({ code: 'LS606', context: { revision: '2' } });
});

it('ten that allow it at once apply it once', async () => {
  const site = await siteForTest();
  await site.up({ ...A, ...D });
  const all = await Promise.all(Array.from({ length: 10 }, () => site.up(ALL, { outOfOrder })));
  expect(all.filter(({ ran }) => ran)).toMatchObject([{ outOfOrder: ['0002_b', '0003_c'] }]);
  expect(await site.rows('SELECT count(*)::int AS n FROM t0002')).toEqual([{ n: 1 }]);
});
