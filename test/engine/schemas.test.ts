/** Migrations whose tables are not in `public`; the ledger stays in `lockstep`. */
import { describe, expect, it, onTestFinished } from 'vitest';
import { queryRows } from '../support/postgres.ts';
import { configOf, failureOf, type Site, siteForTest } from './site.ts';

/** Names that are right only when they are quoted wherever they go. */
const SCHEMA = 'Sales "EU"';
const QUOTED = '"Sales ""EU"""';

const TABLES = `SELECT schemaname AS s, tablename AS t FROM pg_tables
  WHERE schemaname NOT IN ('pg_catalog', 'information_schema', 'lockstep') ORDER BY 1, 2`;
const INDEXES = `SELECT n.nspname AS s, c.relname AS i, x.indisvalid AS valid FROM pg_index x
  JOIN pg_class c ON c.oid = x.indexrelid JOIN pg_namespace n ON n.oid = c.relnamespace
  WHERE n.nspname NOT IN ('pg_catalog', 'pg_toast', 'lockstep') AND NOT x.indisprimary ORDER BY 1, 2`;

/** Three ways in which a login comes to a path of its own. */
const WAYS: [string, (site: Site, path: string) => Promise<Site['database']>][] = [
  [
    "the URL's options",
    async ({ url }, path) =>
      configOf(`${url}?options=${encodeURIComponent(`-c search_path=${path.replaceAll(/[\\ ]/g, '\\$&')}`)}`),
  ],
  [
    'the database',
    async ({ name, rows, database }, path) => {
      await rows(`ALTER DATABASE ${name} SET search_path = ${path}`);
      return database;
    },
  ],
  [
    'the role in this database',
    async ({ name, url, rows }, path) => {
      const role = `path_${name}`;
      await rows(`CREATE ROLE ${role} LOGIN SUPERUSER PASSWORD 'word';
        ALTER ROLE ${role} IN DATABASE ${name} SET search_path = ${path}`);
      onTestFinished(async () => {
        await rows(`DROP OWNED BY ${role} CASCADE`);
        await queryRows(url, `DROP ROLE ${role}`);
      });
      return configOf(Object.assign(new URL(url), { username: role, password: 'word' }).href);
    },
  ],
];

const FILES = {
  '0001_lines.sql': 'CREATE TABLE "Order Lines" (id bigint PRIMARY KEY, "Unit Price" int, label text);',
  '0001_lines.down.sql': 'DROP TABLE "Order Lines";',
  '0002_rows.sql': 'INSERT INTO "Order Lines" SELECT n, n FROM generate_series(1, 2500) n;',
  '0002_rows.down.sql': 'DELETE FROM "Order Lines";',
  '0003_index.sql': 'CREATE INDEX CONCURRENTLY "By Price" ON "Order Lines" ("Unit Price");',
  '0003_index.down.sql': 'DROP INDEX CONCURRENTLY "By Price";',
  '0004_fill.backfill.sql':
    'UPDATE "Order Lines" SET label = $$no. $$ || id WHERE lockstep.batch(id) AND label IS NULL;',
  '0004_fill.backfill.down.sql': 'UPDATE "Order Lines" SET label = NULL;',
};

describe("a login's own schema", () => {
  it.each(WAYS)(
    'given by %s is where tables, indexes and back-fills work, and the way back',
    async (_, give) => {
      const site = await siteForTest();
      await site.rows(`CREATE SCHEMA ${QUOTED}`);
      const database = await give(site, QUOTED);
      expect((await site.up(FILES, { database })).applied).toHaveLength(4);
      expect(await site.rows(TABLES)).toEqual([{ s: SCHEMA, t: 'Order Lines' }]);
      expect(await site.rows(INDEXES)).toEqual([{ s: SCHEMA, i: 'By Price', valid: true }]);
      expect(
        await site.rows(`SELECT count(*)::int AS n FROM ${QUOTED}."Order Lines" WHERE label = 'no. ' || id`),
      ).toEqual([{ n: 2500 }]);
      expect(await site.rows("SELECT to_regclass('lockstep.entry') IS NOT NULL AS there")).toEqual([
        { there: true },
      ]);

      const down = await site.down({ kind: 'to', revision: '0' }, { database });
      expect(down.reverted).toEqual(['0004_fill', '0003_index', '0002_rows', '0001_lines']);
      expect(await site.rows(TABLES)).toEqual([]);
    },
  );

  it('is where an INVALID index is found and built anew, and not in another schema with the same names', async () => {
    const site = await siteForTest();
    const table = (schema: string) => `CREATE TABLE ${schema}."T" (a int)`;
    await site.rows(`CREATE SCHEMA ${QUOTED}; ${table(QUOTED)}; ${table('public')};
      CREATE UNIQUE INDEX "By A" ON public."T" (a); INSERT INTO ${QUOTED}."T" VALUES (1), (1)`);
    await site.rows(`ALTER DATABASE ${site.name} SET search_path = ${QUOTED}, public`);
    const files = { '0001_index.sql': 'CREATE UNIQUE INDEX CONCURRENTLY "By A" ON "T" (a);' };
    expect(await failureOf(site.up(files))).toMatchObject({ code: 'LS601', context: { sqlstate: '23505' } });
    await site.rows(`DELETE FROM ${QUOTED}."T"`);
    expect((await site.up(files)).applied).toEqual(['0001_index']);
    expect(await site.rows(INDEXES)).toEqual([
      { s: SCHEMA, i: 'By A', valid: true },
      { s: 'public', i: 'By A', valid: true },
    ]);
  });
});

describe('several schemas in one file', () => {
  it('are each changed as the file says, in a transaction and outside of one', async () => {
    const site = await siteForTest();
    await site.up({
      '0001_schemas.sql': `CREATE SCHEMA stock; CREATE SCHEMA ${QUOTED};
        CREATE TABLE stock.items (id int PRIMARY KEY, note text); CREATE TABLE ${QUOTED}.items (id int PRIMARY KEY, note text);
        INSERT INTO stock.items SELECT generate_series(1, 30); INSERT INTO ${QUOTED}.items SELECT generate_series(1, 40);`,
      '0002_indexes.sql': `CREATE INDEX CONCURRENTLY by_note ON stock.items (note);
        CREATE INDEX CONCURRENTLY by_note ON ${QUOTED}.items (note);`,
      '0003_fill.backfill.sql': `UPDATE ${QUOTED}.items SET note = 'filled' WHERE lockstep.batch(id);`,
    });
    expect(await site.rows(INDEXES)).toEqual([
      { s: SCHEMA, i: 'by_note', valid: true },
      { s: 'stock', i: 'by_note', valid: true },
    ]);
    const filled = (schema: string) =>
      `SELECT count(*)::int AS rows, count(note)::int AS filled FROM ${schema}.items`;
    expect(await site.rows(filled(QUOTED))).toEqual([{ rows: 40, filled: 40 }]);
    expect(await site.rows(filled('stock'))).toEqual([{ rows: 30, filled: 0 }]);
  });
});
