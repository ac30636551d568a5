import { describe, expect, it } from 'vitest';
import { loadParser } from '../../lib/adapters/libpg-query/index.ts';
import { verify } from '../../lib/engine/index.ts';
import { type Files, failureOf, LEFT_BEHIND, type Site, SLEEPING, siteForTest, sourceOf } from './site.ts';

const verified = (site: Site, files?: Files) =>
  verify({ ...site.context(), source: files && sourceOf(files), loadParser });

const FILES = {
  '0001_a.sql': `CREATE SCHEMA app; CREATE TABLE a (id int PRIMARY KEY, name text CONSTRAINT short CHECK (length(name) < 9));
    CREATE TABLE app.b (a int CONSTRAINT of_a REFERENCES a); CREATE TYPE app.mood AS ENUM ('calm');
    CREATE FUNCTION app.f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
    CREATE TRIGGER g BEFORE INSERT ON a FOR EACH ROW EXECUTE FUNCTION app.f();`,
  '0002_index.sql': 'CREATE INDEX CONCURRENTLY by_name ON a (name);',
  '0003_view.sql':
    'CREATE VIEW "V w" AS SELECT id FROM a; ALTER TABLE a ADD COLUMN age int; DROP TABLE IF EXISTS app.c;',
};

describe('verify', () => {
  it('finds nothing amiss after migrations of all kinds, and leaves nothing behind', async () => {
    const site = await siteForTest();
    expect(await verified(site)).toMatchObject({ findings: [], objects: 0, notChecked: [] });
    await site.up(FILES);
    expect(await verified(site)).toEqual({ findings: [], objects: 14, migrations: 3, notChecked: [] });
    expect(await site.rows(LEFT_BEHIND)).toEqual([]);
  });

  it.each([
    ['DROP TABLE app.b', ['missing app.b']],
    ['ALTER TABLE a DROP COLUMN age', ['missing a.age']],
    ['DROP INDEX by_name', ['missing a.by_name']],
    ['ALTER TABLE app.b DROP CONSTRAINT of_a', ['missing app.b.of_a']],
    ['DROP TRIGGER g ON a', ['missing a.g']],
    ['DROP TRIGGER g ON a; DROP FUNCTION app.f', ['missing app.f', 'missing a.g']],
    ['DROP TYPE app.mood', ['missing app.mood']],
    ['DROP VIEW "V w"', ['missing V w']],
    [
      'DROP SCHEMA app CASCADE',
      ['missing app', 'missing app.b', 'missing app.f', 'missing app.mood', 'missing a.g'],
    ],
    ['ALTER TABLE a RENAME TO z', ['missing a']],
    ['ALTER TABLE app.b DISABLE TRIGGER ALL', ['not-enforced of_a']],
    ['ALTER TABLE a ADD CHECK (id > 0) NOT VALID', ['not-validated a_id_check']],
    [
      'CREATE DOMAIN d AS int; ALTER DOMAIN d ADD CONSTRAINT p CHECK (value > 0) NOT VALID',
      ['not-validated p'],
    ],
  ])('finds what somebody did by hand: %s', async (sql, expected) => {
    const site = await siteForTest();
    await site.up(FILES);
    await site.rows(sql);
    const { findings } = await verified(site);
    expect(findings.map(({ kind, object }) => `${kind} ${object}`).toSorted()).toEqual(expected.toSorted());
    for (const { what, remedy } of findings) expect([what, remedy].join(' ')).toMatch(/^\S.*[.`] \S.*\.$/s);
  });

  it('finds an index that a build which broke off left, and one of a partitioned table that lacks a part', async () => {
    const site = await siteForTest();
    await site.rows('CREATE TABLE t (a int); INSERT INTO t VALUES (1), (1)');
    await site.rows('CREATE UNIQUE INDEX CONCURRENTLY once ON t (a)').catch(() => undefined);
    await site.rows(`CREATE TABLE p (a int) PARTITION BY LIST (a); CREATE TABLE p1 PARTITION OF p FOR VALUES IN (1);
      CREATE INDEX of_p ON ONLY p (a)`);
    const { findings } = await verified(site);
    expect(findings).toMatchObject([
      { kind: 'invalid-index', object: 'public.of_p', remedy: expect.stringContaining('ATTACH PARTITION') },
      {
        kind: 'invalid-index',
        object: 'public.once',
        remedy: expect.stringContaining('REINDEX INDEX CONCURRENTLY'),
      },
    ]);
  });

  it('tells a partition that is half detached', async () => {
    const site = await siteForTest();
    await site.rows(
      `CREATE TABLE p (a int) PARTITION BY LIST (a); CREATE TABLE p1 PARTITION OF p FOR VALUES IN (1)`,
    );
    const reader = await site.session('reader');
    await reader.query('BEGIN; SELECT count(*) FROM public.p');
    const detach = await site.session('detach');
    await detach.query(`SET search_path = public; SET lock_timeout = '500ms'`);
    await detach.query('ALTER TABLE p DETACH PARTITION p1 CONCURRENTLY').catch(() => undefined);
    await reader.query('COMMIT');
    const { findings } = await verified(site);
    expect(findings).toMatchObject([
      { kind: 'detach-pending', object: 'public.p1', remedy: expect.stringContaining('FINALIZE') },
    ]);
  });

  it('names a migration that broke off in the middle, unless somebody is at work on it', async () => {
    const site = await siteForTest();
    const half = (end: string) => ({ '0001_a.sql': `CREATE TABLE a (id int); VACUUM; ${end};` });
    await failureOf(site.up(half('SELECT 1/0')));
    expect((await verified(site)).findings).toMatchObject([
      { kind: 'unfinished', object: '1', what: expect.stringContaining('2 steps are done') },
    ]);
    const abort = new AbortController();
    const running = failureOf(site.up(half('SELECT pg_sleep(60)'), { signal: abort.signal }));
    await site.until(SLEEPING);
    expect(await verified(site)).toMatchObject({
      findings: [],
      notChecked: [expect.stringContaining('at work')],
    });
    abort.abort();
    await running;
  });

  it("looks unqualified names up in the login's own search_path", async () => {
    const site = await siteForTest();
    await site.rows(`CREATE SCHEMA app; ALTER DATABASE ${site.name} SET search_path = app`);
    await site.up({ '0001_a.sql': 'CREATE TABLE a (id int); CREATE TYPE t AS ENUM ();' });
    expect((await verified(site)).findings).toEqual([]);
    await site.rows('ALTER TABLE app.a SET SCHEMA public');
    expect((await verified(site)).findings).toMatchObject([{ object: 'a' }]);
  });

  it('goes by what was applied, also where the file was edited or is not there', async () => {
    const site = await siteForTest();
    await site.up(FILES);
    await site.rows('DROP VIEW "V w"');
    const edited = { '0001_a.sql': 'CREATE TABLE other ();' };
    expect((await verified(site, edited)).findings).toMatchObject([{ kind: 'missing', object: 'V w' }]);
    await site.rows('CREATE VIEW "V w" AS SELECT 1');
    await site.down({ kind: 'count', count: 0 });
    expect((await verified(site, edited)).findings).toEqual([]);
  });

  it('takes a script that is too large for the ledger from its file, and says when it cannot', async () => {
    const site = await siteForTest();
    const large = { '0002_b.sql': `CREATE TABLE b (id int); SELECT '${'x'.repeat(70_000)}';` };
    await site.up({ '0001_a.sql': 'CREATE TABLE a (id int);', ...large });
    await site.rows('DROP TABLE a, b');
    const withFile = await verified(site, large);
    expect(withFile.findings.map((f) => f.object)).toEqual(['a', 'b']);
    expect(withFile.notChecked).toEqual([]);
    const without = await verified(site);
    expect(without.findings).toEqual([]);
    expect(without.notChecked).toEqual([expect.stringContaining('0002_b')]);
  });
});
