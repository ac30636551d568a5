import { describe, expect, it } from 'vitest';
import { MemoryLeaseStore } from '../../lib/adapters/memory/index.ts';
import { readHistory, readPlan, repair } from '../../lib/engine/index.ts';
import { type Files, failureOf, LEFT_BEHIND, newHolder, type Site, siteForTest, sourceOf } from './site.ts';

const APPLIED = {
  '0001_a.sql': 'CREATE TABLE a (id int, name text);',
  '0002_b.sql': 'CREATE TABLE b (id int);',
  '0002_b.down.sql': 'DROP TABLE b;',
};
const COSMETIC = { ...APPLIED, '0001_a.sql': '-- people\r\ncreate table a (\r\n  id int, name text\r\n)' };
const REAL = { ...APPLIED, '0002_b.sql': 'CREATE TABLE b (id bigint);' };

const repaired = (site: Site, files: Files, accept: string[] = [], holder = newHolder()) =>
  repair({ ...site.context(), holder, source: sourceOf(files), accept });

const entriesOf = async (site: Site) =>
  (await readHistory(site.context())).map((e) => `${e.revision}/${e.ordinal} ${e.kind}`);

const planOf = async (site: Site, files: Files) =>
  (await readPlan({ ...site.context(), source: sourceOf(files) })).plan;

describe('repair', () => {
  it('records a cosmetic edit, so that plans do not mention it any more, and executes nothing', async () => {
    const site = await siteForTest();
    await site.up(APPLIED);
    expect((await planOf(site, COSMETIC)).cosmetic).toHaveLength(1);
    const result = await repaired(site, COSMETIC, [], 'ann@desk');
    expect(result).toEqual({
      recorded: [{ migration: '0001_a', accepted: false }],
      refused: [],
      orphaned: [],
    });
    expect(await planOf(site, COSMETIC)).toMatchObject({ outcome: 'nothing-pending', cosmetic: [] });
    expect(await entriesOf(site)).toEqual(['0001/1 applied', '0002/1 applied', '0001/2 repaired']);
    expect((await readHistory(site.context())).at(-1)).toMatchObject({ runId: 'ann@desk' });
    expect(await site.rows(LEFT_BEHIND)).toEqual([]);
  });

  it('changes nothing and asks for no lease when nothing may be recorded', async () => {
    const site = await siteForTest();
    expect((await repaired(site, APPLIED)).recorded).toEqual([]);
    expect(await site.rows("SELECT FROM pg_namespace WHERE nspname = 'lockstep'")).toEqual([]);
    await site.up(APPLIED);
    const fence = () => site.rows('SELECT * FROM lockstep.fence');
    const before = await fence();
    expect((await repaired(site, APPLIED)).recorded).toEqual([]);
    expect((await repaired(site, REAL)).recorded).toEqual([]);
    expect(await fence()).toEqual(before);
  });

  it('shows a real edit as a difference of what was applied and what is there, and refuses it', async () => {
    const site = await siteForTest();
    await site.up(APPLIED);
    const { recorded, refused } = await repaired(site, { ...REAL, '0001_a.sql': COSMETIC['0001_a.sql'] });
    expect(recorded).toEqual([{ migration: '0001_a', accepted: false }]);
    expect(refused).toEqual([
      {
        revision: '0002',
        migration: '0002_b',
        up: {
          file: '0002_b.sql',
          reason: null,
          diff: ['  create table b (', '-   id int', '+   id bigint', '  );'],
        },
        down: null,
      },
    ]);
    expect(await failureOf(site.up(REAL))).toMatchObject({
      code: 'LS501',
      remedy: expect.stringContaining('`lockstep repair`'),
    });
  });

  it('records a real edit that is accepted by its revision, however that is written', async () => {
    const site = await siteForTest();
    await site.up(APPLIED);
    const { recorded, refused } = await repaired(site, REAL, ['2']);
    expect({ recorded, refused }).toEqual({
      recorded: [{ migration: '0002_b', accepted: true }],
      refused: [],
    });
    expect((await planOf(site, REAL)).outcome).toBe('nothing-pending');
    expect(
      await site.rows(`SELECT data_type FROM information_schema.columns WHERE table_name = 'b'`),
    ).toEqual([{ data_type: 'integer' }]);
    // The next difference is one to what was accepted.
    const [next] = (await repaired(site, APPLIED)).refused;
    expect(next?.up?.diff).toContain('-   id bigint');
    // To accept it again is no mistake.
    expect((await repaired(site, REAL, ['2'])).recorded).toEqual([]);
  });

  it('refuses to accept a revision that there is not', async () => {
    const site = await siteForTest();
    expect(await failureOf(repaired(site, APPLIED, ['7']))).toMatchObject({ code: 'LS504' });
  });

  it('keeps the way back of a migration whose down file is gone', async () => {
    const site = await siteForTest();
    await site.up(APPLIED);
    const { '0002_b.down.sql': _, ...withoutDown } = APPLIED;
    await repaired(site, { ...withoutDown, '0002_b.sql': 'CREATE TABLE b (id int); -- numbers' });
    expect((await site.down({ kind: 'count', count: 1 })).reverted).toEqual(['0002_b']);
  });

  it('takes a corrected down script over when it is accepted, and not before', async () => {
    const site = await siteForTest();
    const broken = { ...APPLIED, '0002_b.down.sql': 'DROP TABLE bb;' };
    await site.up(broken);
    const { recorded, refused } = await repaired(site, APPLIED);
    expect(recorded).toEqual([]);
    expect(refused).toMatchObject([
      { up: null, down: { file: '0002_b.down.sql', diff: ['- drop table bb;', '+ drop table b;'] } },
    ]);
    expect(await failureOf(site.down({ kind: 'count', count: 1 }))).toMatchObject({ code: 'LS601' });
    await repaired(site, APPLIED, ['0002']);
    expect((await site.down({ kind: 'count', count: 1 })).reverted).toEqual(['0002_b']);
  });

  it('compares a script that is too large for the ledger by its checksum only, and says so', async () => {
    const site = await siteForTest();
    const large = (word: string) => ({ '0001_a.sql': `SELECT '${word.repeat(30_000)}';` });
    await site.up(large('abc'));
    expect(await site.rows('SELECT up FROM lockstep.entry')).toEqual([{ up: null }]);
    const { refused } = await repaired(site, large('xyz'));
    expect(refused).toMatchObject([{ up: { diff: null, reason: expect.stringContaining('64 KB') } }]);
  });

  it('keeps no password', async () => {
    const site = await siteForTest();
    const set = (password: string) => ({
      '0001_a.sql': `DO 'BEGIN NULL; END'; CREATE SUBSCRIPTION s CONNECTION 'host=h password=${password}' PUBLICATION p
        WITH (connect = false, enabled = false, create_slot = false, slot_name = NONE);`,
    });
    await site.up(set('secret'));
    expect(JSON.stringify(await site.rows('SELECT * FROM lockstep.entry'))).not.toContain('secret');
    const { refused } = await repaired(site, set('other'));
    expect(refused).toMatchObject([{ up: { diff: null, reason: expect.stringContaining('password') } }]);
    await site.rows('DROP SUBSCRIPTION s');
  });

  it('names a migration that broke off in the middle and whose file is gone', async () => {
    const site = await siteForTest();
    const half = { '0002_b.sql': 'CREATE TABLE b (id int); VACUUM; SELECT 1/0;' };
    await failureOf(site.up({ '0001_a.sql': APPLIED['0001_a.sql'], ...half }));
    const { orphaned } = await repaired(site, { '0001_a.sql': APPLIED['0001_a.sql'] });
    expect(orphaned).toEqual(['2']);
  });

  it('lets a revert that broke off go on with a corrected down script, at the step that failed', async () => {
    const site = await siteForTest();
    const down = (end: string) => ({ ...APPLIED, '0002_b.down.sql': `DROP TABLE b; VACUUM; ${end};` });
    await site.up(down('DROP TABLE bb'));
    const error = await failureOf(site.down({ kind: 'count', count: 1 }));
    expect(error).toMatchObject({
      code: 'LS601',
      remedy: expect.stringContaining('`lockstep repair --accept 0002`'),
    });
    await site.rows('CREATE TABLE last ()');
    await repaired(site, down('DROP TABLE last'), ['2']);
    expect((await site.down({ kind: 'count', count: 1 })).reverted).toEqual(['0002_b']);
    expect(await entriesOf(site)).toEqual([
      '0001/1 applied',
      '0002/1 applied',
      '0002/2 repaired',
      '0002/3 reverted',
    ]);
    expect(await site.rows(`SELECT tablename FROM pg_tables WHERE schemaname = 'public'`)).toEqual([
      { tablename: 'a' },
    ]);
  });

  it('does not let it go on where the part that is done was edited', async () => {
    const site = await siteForTest();
    const down = (start: string) => ({ ...APPLIED, '0002_b.down.sql': `${start}; VACUUM; SELECT 1/0;` });
    await site.up(down('DROP TABLE b'));
    await failureOf(site.down({ kind: 'count', count: 1 }));
    await repaired(site, down('DROP TABLE IF EXISTS b CASCADE'), ['2']);
    expect(await failureOf(site.down({ kind: 'count', count: 1 }))).toMatchObject({ code: 'LS501' });
  });

  it('records nothing when another one has between its look and its lease', async () => {
    const site = await siteForTest();
    await site.up(APPLIED);
    const leases = new MemoryLeaseStore();
    const tryAcquire = leases.tryAcquire.bind(leases);
    const others: string[][] = [];
    leases.tryAcquire = async (request) => {
      leases.tryAcquire = tryAcquire;
      others.push((await repaired(site, COSMETIC)).recorded.map((r) => r.migration));
      return tryAcquire(request);
    };
    const mine = await repair({ ...site.context({ leases }), source: sourceOf(COSMETIC), accept: [] });
    expect([mine.recorded, others]).toEqual([[], [['0001_a']]]);
    expect((await entriesOf(site)).filter((e) => e.endsWith('repaired'))).toHaveLength(1);
  });

  it('of several at once, one records', async () => {
    const site = await siteForTest();
    await site.up(APPLIED);
    const results = await Promise.all([1, 2, 3].map(() => repaired(site, COSMETIC)));
    expect(results.flatMap((r) => r.recorded)).toHaveLength(1);
    expect((await entriesOf(site)).filter((e) => e.endsWith('repaired'))).toHaveLength(1);
  });
});
