import { describe, expect, it } from 'vitest';
import { baseline, migrate, readHistory, stamp } from '../../lib/engine/index.ts';
import { failureOf, LEFT_BEHIND, newHolder, type Site, siteForTest, sourceOf } from './site.ts';

const A = { '0001_a.sql': 'CREATE TABLE a (id int);', '0001_a.down.sql': 'DROP TABLE a;' };
const B = { '0002_b.sql': 'CREATE TABLE b (id int);' };
const C = { '0003_c.sql': 'CREATE TABLE c (id int);' };
const ALL = { ...A, ...B, ...C };

/** A database that somebody else brought up to 0002. */
async function existing(): Promise<Site> {
  const site = await siteForTest();
  await site.rows('CREATE TABLE a (id int); CREATE TABLE b (id int)');
  return site;
}

const baselineOf = (site: Site, revision: string, files = ALL) =>
  baseline({ ...site.context(), source: sourceOf(files), revision });

const KINDS = 'SELECT written_as AS revision, kind FROM lockstep.entry ORDER BY id';

describe('a baseline', () => {
  it('records everything up to a revision without running it, and what is above is pending then', async () => {
    const site = await existing();
    expect(await baselineOf(site, '2')).toEqual({ baselined: ['0001_a', '0002_b'] });
    expect((await site.up(ALL)).applied).toEqual(['0003_c']);
    expect(await site.rows(KINDS)).toEqual([
      { revision: '0001', kind: 'baselined' },
      { revision: '0002', kind: 'baselined' },
      { revision: '0003', kind: 'applied' },
    ]);
    expect(await site.rows(LEFT_BEHIND)).toEqual([]);
  });

  it('that is there already is no failure, also when more came after it', async () => {
    const site = await existing();
    await baselineOf(site, '0002');
    await site.up(ALL);
    expect(await baselineOf(site, '0002')).toEqual({ baselined: [] });
    expect(await site.rows(KINDS)).toHaveLength(3);
  });

  it('that ten ask for at once is recorded once', async () => {
    const site = await existing();
    const source = sourceOf(ALL);
    const all = await Promise.all(
      Array.from({ length: 10 }, async () => {
        const { baselined } = await baseline({
          ...site.context({ holder: newHolder() }),
          source,
          revision: '2',
        });
        await migrate({ ...site.context(), source });
        return baselined.length;
      }),
    );
    expect(all.toSorted().reverse()).toEqual([2, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    expect(await site.rows(KINDS)).toHaveLength(3);
  });

  it.each([
    ['with a migration that was applied', A, '2'],
    ['that is applied further than it', ALL, '2'],
  ])('is refused by a ledger %s, which stays as it is: LS506', async (_, files, revision) => {
    const site = await siteForTest();
    await site.up(files);
    const before = await readHistory(site.context());
    expect(await failureOf(baselineOf(site, revision))).toMatchObject({
      code: 'LS506',
      context: { found: '0001' },
    });
    expect(await readHistory(site.context())).toEqual(before);
  });

  it('is refused by a ledger with another baseline, higher or lower', async () => {
    const site = await existing();
    await baselineOf(site, '2');
    for (const revision of ['1', '3'])
      expect(await failureOf(baselineOf(site, revision))).toMatchObject({ code: 'LS506' });
  });

  it('is refused while a migration is half applied', async () => {
    const site = await existing();
    const half = { '0001_a.sql': 'CREATE TABLE x (); VACUUM x; SELECT nowhere;' };
    await failureOf(site.up(half));
    expect(await failureOf(baselineOf(site, '2'))).toMatchObject({ code: 'LS506' });
  });

  it('begins anew in a ledger of which everything was reverted', async () => {
    const site = await siteForTest();
    await site.up(A);
    await site.down({ kind: 'to', revision: '0' });
    await site.rows('CREATE TABLE a (id int)');
    expect(await baselineOf(site, '1')).toEqual({ baselined: ['0001_a'] });
  });

  it('keeps the down scripts, so that what it recorded can be reverted', async () => {
    const site = await existing();
    await baselineOf(site, '1');
    expect((await site.down({ kind: 'count', count: 1 })).reverted).toEqual(['0001_a']);
    expect(await site.rows("SELECT to_regclass('a') AS a")).toEqual([{ a: null }]);
  });

  it('refuses a revision that there is not: LS504', async () => {
    const site = await existing();
    expect(await failureOf(Promise.resolve().then(() => baselineOf(site, '7')))).toMatchObject({
      code: 'LS504',
    });
  });
});

describe('a squashed history', () => {
  const SQUASHED = {
    '0100_all.sql': 'CREATE TABLE a (id int); CREATE TABLE b (id int); CREATE TABLE c (id int);',
  };
  const NEXT = { '0101_d.sql': 'CREATE TABLE d (id int);' };

  it('runs whole in an empty database, and is stamped where its parts are applied', async () => {
    const [empty, old] = [await siteForTest(), await siteForTest()];
    expect((await empty.up({ ...SQUASHED, ...NEXT })).applied).toEqual(['0100_all', '0101_d']);
    await old.up(ALL);
    await stamp({ ...old.context(), source: sourceOf({ ...SQUASHED, ...NEXT }), revisions: ['0100'] });
    expect((await old.up({ ...SQUASHED, ...NEXT })).applied).toEqual(['0101_d']);
  });
});
