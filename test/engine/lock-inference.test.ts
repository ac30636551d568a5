/** What the compiler says about locks, against what the server does. */
import pg from 'pg';
import { describe, expect, it, onTestFinished } from 'vitest';
import { STRONG_MODES, serverName } from '../../lib/core/locks/index.ts';
import { compile } from '../support/compile.ts';
import { siteForTest } from './site.ts';

const SCHEMA = `
  CREATE SCHEMA app; CREATE TABLE app.a (id int PRIMARY KEY, b int NOT NULL, c text DEFAULT 'x', CONSTRAINT positive CHECK (b > 0) NOT VALID);
  CREATE TABLE b (id int PRIMARY KEY, a int); CREATE TABLE c (id int UNIQUE); CREATE INDEX b_a ON b (a);
  CREATE TABLE p (id int NOT NULL) PARTITION BY LIST (id); CREATE TABLE p1 PARTITION OF p FOR VALUES IN (1);
  CREATE TABLE p2 (id int NOT NULL);
  CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
  CREATE TRIGGER t BEFORE INSERT ON b EXECUTE FUNCTION f(); CREATE RULE r AS ON DELETE TO b DO INSTEAD NOTHING;
  CREATE POLICY o ON b; CREATE VIEW v AS SELECT 1 AS x; CREATE MATERIALIZED VIEW m AS SELECT id FROM c;
  CREATE UNIQUE INDEX m_id ON m (id); CREATE SEQUENCE s;`;

/** Statements, and the relations that they lock: of those that were there before. */
const CASES: readonly (readonly [string, string])[] = [
  ['ALTER TABLE app.a ADD COLUMN d int', 'app.a ACCESS EXCLUSIVE'],
  ['ALTER TABLE app.a ALTER COLUMN b SET STATISTICS 10', ''],
  ['ALTER TABLE app.a ALTER COLUMN c SET STORAGE plain', 'app.a ACCESS EXCLUSIVE'],
  ['ALTER TABLE app.a ALTER COLUMN b SET (n_distinct = 5)', ''],
  ['ALTER TABLE app.a ALTER COLUMN c SET DEFAULT 1', 'app.a ACCESS EXCLUSIVE'],
  ['ALTER TABLE app.a VALIDATE CONSTRAINT positive', ''],
  ['ALTER TABLE app.a SET (fillfactor = 90, autovacuum_enabled = false)', ''],
  ['ALTER TABLE app.a RESET (fillfactor)', ''],
  ['ALTER TABLE app.a SET (user_catalog_table = true)', 'app.a ACCESS EXCLUSIVE'],
  ['ALTER TABLE app.a CLUSTER ON a_pkey', ''],
  ['ALTER TABLE app.a VALIDATE CONSTRAINT positive, ADD COLUMN d int', 'app.a ACCESS EXCLUSIVE'],
  ['ALTER TABLE app.a OWNER TO CURRENT_USER', 'app.a ACCESS EXCLUSIVE'],
  ['ALTER TABLE app.a ENABLE ROW LEVEL SECURITY', 'app.a ACCESS EXCLUSIVE'],
  [
    'ALTER TABLE b ADD FOREIGN KEY (a) REFERENCES app.a NOT VALID',
    'public.b SHARE ROW EXCLUSIVE, app.a SHARE ROW EXCLUSIVE',
  ],
  [
    'ALTER TABLE b ADD COLUMN c int REFERENCES c (id)',
    'public.b ACCESS EXCLUSIVE, public.c SHARE ROW EXCLUSIVE',
  ],
  ['ALTER TABLE b ADD CHECK (id > 0) NOT VALID', 'public.b ACCESS EXCLUSIVE'],
  ['ALTER TABLE b DISABLE TRIGGER t', 'public.b SHARE ROW EXCLUSIVE'],
  ['ALTER TABLE b ENABLE ALWAYS TRIGGER t', 'public.b SHARE ROW EXCLUSIVE'],
  ['ALTER TABLE b RENAME TO d', 'public.b ACCESS EXCLUSIVE'],
  ['ALTER TABLE b RENAME COLUMN a TO d', 'public.b ACCESS EXCLUSIVE'],
  ['ALTER TRIGGER t ON b RENAME TO u', 'public.b ACCESS EXCLUSIVE'],
  ['ALTER TABLE b SET SCHEMA app', 'public.b ACCESS EXCLUSIVE'],
  ['ALTER TABLE p ATTACH PARTITION p2 FOR VALUES IN (2)', 'public.p2 ACCESS EXCLUSIVE'],
  ['ALTER TABLE p DETACH PARTITION p1', 'public.p ACCESS EXCLUSIVE, public.p1 ACCESS EXCLUSIVE'],
  ['CREATE TABLE p3 PARTITION OF p FOR VALUES IN (3)', 'public.p ACCESS EXCLUSIVE'],
  [
    'CREATE TABLE d (a int REFERENCES app.a, FOREIGN KEY (a) REFERENCES c (id))',
    'app.a SHARE ROW EXCLUSIVE, public.c SHARE ROW EXCLUSIVE',
  ],
  ['CREATE TABLE d (id int); ALTER TABLE d ADD COLUMN e int; CREATE INDEX ON d (e)', ''],
  ['CREATE TABLE d AS SELECT 1 AS x; TRUNCATE d', ''],
  ['CREATE INDEX ON b (a)', 'public.b SHARE'],
  ['CREATE UNIQUE INDEX ON ONLY p (id)', 'public.p SHARE'],
  ['ALTER INDEX b_a RENAME TO b_b', ''],
  ['DROP INDEX b_a', 'public.b_a ACCESS EXCLUSIVE'],
  ['REINDEX TABLE b', 'public.b SHARE'],
  ['REINDEX INDEX b_a', 'public.b_a ACCESS EXCLUSIVE'],
  ['DROP TABLE app.a, p2', 'app.a ACCESS EXCLUSIVE, public.p2 ACCESS EXCLUSIVE'],
  ['DROP VIEW v', 'public.v ACCESS EXCLUSIVE'],
  ['DROP TRIGGER t ON b', 'public.b ACCESS EXCLUSIVE'],
  ['DROP RULE r ON public.b', 'public.b ACCESS EXCLUSIVE'],
  ['DROP POLICY o ON b', 'public.b ACCESS EXCLUSIVE'],
  ['CREATE POLICY q ON b', 'public.b ACCESS EXCLUSIVE'],
  ['ALTER POLICY o ON b USING (true)', 'public.b ACCESS EXCLUSIVE'],
  ['CREATE TRIGGER u AFTER DELETE ON c EXECUTE FUNCTION f()', 'public.c SHARE ROW EXCLUSIVE'],
  ['CREATE RULE q AS ON UPDATE TO c DO INSTEAD NOTHING', 'public.c ACCESS EXCLUSIVE'],
  ['CREATE OR REPLACE VIEW v AS SELECT 2 AS x', 'public.v ACCESS EXCLUSIVE'],
  ['CREATE VIEW w AS SELECT * FROM b', ''],
  ['REFRESH MATERIALIZED VIEW m', 'public.m ACCESS EXCLUSIVE'],
  ['REFRESH MATERIALIZED VIEW CONCURRENTLY m', 'public.m EXCLUSIVE'],
  ['TRUNCATE b, c', 'public.b ACCESS EXCLUSIVE, public.c ACCESS EXCLUSIVE'],
  ['CLUSTER app.a USING a_pkey', 'app.a ACCESS EXCLUSIVE'],
  ['LOCK TABLE b, c IN SHARE MODE', 'public.b SHARE, public.c SHARE'],
  ['LOCK b', 'public.b ACCESS EXCLUSIVE'],
  ['LOCK b IN ROW EXCLUSIVE MODE', ''],
  ['ALTER SEQUENCE s RESTART', 'public.s SHARE ROW EXCLUSIVE'],
  ["COMMENT ON TABLE b IS 'b'", ''],
  ['UPDATE b SET a = 1; DELETE FROM c; INSERT INTO c VALUES (1)', ''],
  ['LOCK b IN SHARE MODE; ALTER TABLE b ADD x int', 'public.b ACCESS EXCLUSIVE'],
];

const inferred = (sql: string): Map<string, string> =>
  new Map(
    compile(sql).up.statements.flatMap(({ locks = [] }) =>
      locks.map(({ schema, relation, mode }): [string, string] => [
        `${schema ?? 'public'}.${relation}`,
        mode,
      ]),
    ),
  );

/** Strong locks of the session on what was there before, and the strongest mode of each. */
async function taken(client: pg.Client, before: ReadonlyMap<string, string>): Promise<Map<string, string>> {
  const { rows } = await client.query<{ oid: string; mode: string }>(
    `SELECT l.relation::text AS oid, l.mode FROM pg_locks l WHERE l.pid = pg_backend_pid() AND l.relation >= 16384`,
  );
  const found = new Map<string, string>();
  for (const mode of STRONG_MODES) {
    for (const row of rows)
      if (row.mode === serverName(mode) && before.has(row.oid)) found.set(row.oid, mode);
  }
  return found;
}

/** Those that a named relation has with it: its indexes, its partition, the table of an index. */
const PARTS = new Set([
  ...['app.a_pkey', 'public.b_pkey', 'public.b_a', 'public.c_id_key', 'public.m_id', 'public.p1', 'public.b'],
]);

describe('the strong locks of a statement', () => {
  it.each(CASES)('%s: %s', (sql, expected) => {
    expect([...inferred(sql)].map(([name, mode]) => `${name} ${mode}`).join(', ')).toBe(expected);
  });

  it('are those that the server takes', async () => {
    const site = await siteForTest();
    const client = new pg.Client({ connectionString: site.url });
    await client.connect();
    onTestFinished(() => client.end());
    await client.query(SCHEMA);
    const { rows } = await client.query<{ oid: string; name: string }>(
      `SELECT c.oid::text, n.nspname || '.' || c.relname AS name FROM pg_class c
       JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname IN ('public', 'app')`,
    );
    const names = new Map(rows.map(({ oid, name }) => [oid, name]));
    for (const [sql] of CASES) {
      await client.query(`BEGIN; ${sql}`);
      const held = [...(await taken(client, names))].map(([oid, mode]): [string, string] => [
        names.get(oid)!,
        mode,
      ]);
      await client.query('ROLLBACK');
      const locks = inferred(sql);
      const others = held.filter(([name]) => !locks.has(name) && !PARTS.has(name));
      expect.soft(held.filter(([name]) => locks.has(name)).sort(), sql).toEqual([...locks].sort());
      expect.soft(others, sql).toEqual([]);
    }
  });
});
