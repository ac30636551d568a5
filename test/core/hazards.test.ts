import { describe, expect, test } from 'vitest';
import { HAZARD_RULES } from '../../lib/core/plan/compile/index.ts';
import { compile } from '../support/compile.ts';

const rulesOf = (sql: string) => compile(sql).hazards.map((h) => h.rule);

describe('hazard rules', () => {
  test('have ids of their own', () => {
    expect(new Set(HAZARD_RULES.map((r) => r.id)).size).toBe(HAZARD_RULES.length);
  });

  test.each(HAZARD_RULES.map((rule) => [rule.id, rule] as const))(
    '%s: finds its bad example, not its good one',
    (_, rule) => {
      expect(rulesOf(rule.good)).toEqual([]);
      const [hazard, ...others] = compile(rule.bad).hazards;
      expect(others).toEqual([]);
      expect(hazard).toMatchObject({ rule: rule.id, class: rule.class, line: 1, advice: rule.advice });
      expect(hazard?.message).not.toContain('undefined');
    },
  );
});

describe('hazards', () => {
  test.each([
    ['DROP TABLE a, b.c', ['drop-table', 'drop-table']],
    ['DROP TABLE a CASCADE', ['drop-table', 'drop-cascade']],
    ['ALTER TABLE t DROP COLUMN c CASCADE', ['drop-column', 'drop-cascade']],
    ['ALTER TABLE t DROP CONSTRAINT c CASCADE', ['drop-cascade']],
    ['DROP FUNCTION f(int) CASCADE', ['drop-cascade']],
    ['DROP EXTENSION postgis CASCADE', ['drop-cascade']],
    ['TRUNCATE a, b', ['truncate', 'truncate']],
    ['UPDATE t SET a = 1', []],
    ['DELETE FROM t WHERE a = 1', []],
    ['DELETE FROM t', ['delete-all']],
    ['INSERT INTO b WITH d AS (DELETE FROM a RETURNING *) SELECT * FROM d', []],
    ['WITH d AS (DELETE FROM a RETURNING *) INSERT INTO b SELECT * FROM d', ['delete-all']],
    ['WITH d AS (WITH e AS (DELETE FROM a RETURNING *) SELECT * FROM e) SELECT * FROM d', ['delete-all']],
    ['DROP VIEW v; DROP INDEX i; DROP FUNCTION f(int)', []],
    ['ALTER TABLE t ADD c timestamptz DEFAULT current_timestamp', []],
    ["ALTER TABLE t ADD c text DEFAULT lower('X') NOT NULL", []],
    [
      "ALTER TABLE t ADD c timestamptz DEFAULT now() + interval '1 day' * random()",
      ['add-column-volatile-default'],
    ],
    ["ALTER TABLE t ADD c bigint DEFAULT nextval('s'::regclass)", ['add-column-volatile-default']],
    ['ALTER TABLE t ADD c uuid DEFAULT extensions.uuid_generate_v4()', ['add-column-volatile-default']],
    ['ALTER TABLE t ADD c timestamptz CHECK (c < clock_timestamp())', []],
    ['ALTER TABLE t ADD c bigserial', ['add-column-sequence']],
    ['ALTER TABLE t ADD c int GENERATED ALWAYS AS (a + 1)', []],
    ['CREATE TABLE t (id bigserial, u uuid DEFAULT gen_random_uuid())', []],
    ['ALTER TABLE t ALTER c SET DEFAULT gen_random_uuid()', []],
    ['ALTER TABLE t ALTER c SET EXPRESSION AS (a + 2)', ['alter-column-type']],
    ['ALTER FOREIGN TABLE t ALTER c TYPE bigint', []],
    ['ALTER INDEX i SET TABLESPACE s', []],
    ['ALTER MATERIALIZED VIEW m SET TABLESPACE s', ['set-tablespace']],
    ['VACUUM FULL', ['vacuum-full']],
    ['VACUUM t', []],
    ['CLUSTER', ['cluster']],
  ])('%s: %j', (sql, expected) => {
    expect(rulesOf(sql)).toEqual(expected);
  });

  test('say on which line and to what', () => {
    const sql = `-- é
CREATE TABLE a (id int);

ALTER TABLE app.users
  ADD COLUMN note text,
  ADD COLUMN token uuid DEFAULT gen_random_uuid(),
  ALTER COLUMN age TYPE bigint;
DROP TABLE old_users;`;
    expect(
      compile(sql).hazards.map((h) => [h.line, h.rule, h.message.match(/\w+\.\w+|old_users/)?.[0]]),
    ).toEqual([
      [6, 'add-column-volatile-default', 'app.users'],
      [7, 'alter-column-type', 'app.users'],
      [8, 'drop-table', 'old_users'],
    ]);
  });

  test('of the down script are not counted', () => {
    expect(compile('CREATE TABLE t (a int)', 'DROP TABLE t').hazards).toEqual([]);
  });

  test('a default nested deeper than the stack is searched through', () => {
    const sum = `${'1 + '.repeat(4_000)}random()`;
    expect(rulesOf(`ALTER TABLE t ADD c float DEFAULT (${sum})`)).toEqual(['add-column-volatile-default']);
  });
});
