import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { canonicalSql, keptSql, LARGEST_KEPT_BYTES } from '../../lib/core/plan/compile/canonical-sql.ts';
import { HAZARD_RULES } from '../../lib/core/plan/compile/index.ts';
import { compile, parser } from '../support/compile.ts';

const SAMPLES = [
  ...HAZARD_RULES.flatMap(({ good, bad }) => [good, bad]),
  ...readdirSync('migrations').map((file) => readFileSync(`migrations/${file}`, 'utf8')),
  `SELECT 'a'\n  'b' -- c\n, E'\\'' , U&'d\\0061' , B'1', $$x;y$$, $t$ 'z' $t$, "A b".c, a[1:2], x::int[], 1e5, -1, @-1;`,
  `CREATE FUNCTION f(a int DEFAULT 1, OUT b t.x%TYPE) LANGUAGE sql BEGIN ATOMIC SELECT 1; SELECT a -> 'b' #>> '{c}'; END;`,
  `INSERT INTO t VALUES (1, 'ünï "q" '' -- no comment', $1) ON CONFLICT (a) DO UPDATE SET b = (excluded.c).d || 'e';;`,
  `CREATE TABLE t (a int CHECK (a > 0), b text COLLATE "C" DEFAULT 'now'::text, PRIMARY KEY (a, b)) PARTITION BY RANGE (a);`,
  `ALTER TABLE ONLY a.b ADD COLUMN c numeric(10, 2) NOT NULL, DROP COLUMN IF EXISTS d; /* a /* nested */ one */ VACUUM;`,
];

/** Without places in the text. */
const treeOf = (sql: string): string => {
  const outcome = parser.parse(sql);
  if (!outcome.ok) throw new Error(`${outcome.message} in ${sql}`);
  return JSON.stringify(
    outcome.statements.map(({ node }) => node),
    (key, value) => (/location$|^list_(start|end)$/.test(key) ? undefined : value),
  );
};

describe('the canonical form of a script', () => {
  it.each(SAMPLES)('parses to the same tree, and has the same normalised checksum: %s', (sql) => {
    const canonical = canonicalSql(sql);
    expect(treeOf(canonical)).toBe(treeOf(sql));
    expect(canonicalSql(canonical)).toBe(canonical);
    if (!/lockstep\.batch|CONCURRENTLY/.test(sql))
      expect(compile(canonical).up.normalizedSha256).toBe(compile(sql).up.normalizedSha256);
  });

  it('is the same for two layouts of one script', () => {
    const one = canonicalSql('CREATE TABLE A (id int, -- key\n "B" text);');
    expect(canonicalSql('\n\ncreate TABLE a\n(\r\n\tid INT ,"B" text /* b */ ) ;;')).toBe(one);
    expect(one).toBe('create table a (\n  id int,\n  "B" text\n);\n');
  });

  it.each([
    "ALTER ROLE a PASSWORD 'secret'",
    "CREATE ROLE a LOGIN ENCRYPTED PASSWORD 'secret'",
    "CREATE USER MAPPING FOR a SERVER b OPTIONS (user 'c', password 'secret')",
    "CREATE SUBSCRIPTION a CONNECTION 'host=b password=secret' PUBLICATION c",
    "SELECT dblink_connect('postgres://a:secret@b/c')",
  ])('has no password: %s', (sql) => {
    expect(canonicalSql(sql)).not.toContain('secret');
    expect(parser.parse(canonicalSql(sql)).ok).toBe(true);
  });

  it('keeps a constant that only looks like one', () => {
    expect(canonicalSql("COMMENT ON COLUMN a.password IS 'hashed'")).toContain("'hashed'");
  });

  it('is not made of a large script', () => {
    expect(keptSql('x'.repeat(LARGEST_KEPT_BYTES))).toBeDefined();
    expect(keptSql('ü'.repeat(LARGEST_KEPT_BYTES / 2 + 1))).toBeUndefined();
  });
});
