import { describe, expect, it } from 'vitest';
import { objectChanges } from '../../lib/core/plan/compile/object-changes.ts';
import { nameOf } from '../../lib/core/plan/findings.ts';
import { expectedObjects } from '../../lib/core/plan/objects.ts';
import { parser } from '../support/compile.ts';

/** What is expected after these scripts, as `word name`. */
function expectedAfter(...scripts: string[]): string[] {
  const changes = scripts.map((sql, i) => {
    const outcome = parser.parse(sql);
    if (!outcome.ok) throw new Error(`${outcome.message} in ${sql}`);
    return { migration: `${i + 1}`, changes: outcome.statements.flatMap(({ node }) => objectChanges(node)) };
  });
  return expectedObjects(changes).map((object) => `${object.word} ${nameOf(object)}`);
}

const TABLE = 'CREATE TABLE t (a int, b int);';
const OF_TABLE = ['table t', 'column t.a', 'column t.b'];

describe('what a script creates', () => {
  it.each([
    [
      'CREATE TABLE s.t (a int CONSTRAINT c CHECK (a > 0), CONSTRAINT k PRIMARY KEY (a))',
      ['table s.t', 'column s.t.a', 'constraint s.t.c', 'constraint s.t.k'],
    ],
    ['CREATE TABLE t (a int PRIMARY KEY CONSTRAINT n NOT NULL, CHECK (a > 0))', ['table t', 'column t.a']],
    ['CREATE TEMP TABLE t (a int)', []],
    ["CREATE TABLE t PARTITION OF p FOR VALUES IN ('a')", []],
    ['CREATE TABLE t AS SELECT 1 AS a; SELECT 2 INTO u', ['table t', 'table u']],
    ['CREATE VIEW v AS SELECT 1; CREATE MATERIALIZED VIEW m AS SELECT 1', ['view v', 'materialized view m']],
    ['CREATE FOREIGN TABLE f (a int) SERVER s', ['table f', 'column f.a']],
    ['CREATE SEQUENCE q; CREATE SEQUENCE o OWNED BY t.a; ALTER SEQUENCE q OWNED BY t.b', []],
    [
      'CREATE TYPE s.e AS ENUM (); CREATE TYPE c AS (a int); CREATE DOMAIN d AS int',
      ['type s.e', 'type c', 'domain d'],
    ],
    [
      "CREATE FUNCTION s.f() RETURNS int LANGUAGE sql AS ''; CREATE PROCEDURE p() LANGUAGE sql AS ''",
      ['function s.f', 'procedure p'],
    ],
    ['CREATE SCHEMA s; CREATE EXTENSION x', ['schema s', 'extension x']],
    ['CREATE INDEX CONCURRENTLY i ON s.t (a); CREATE INDEX ON s.t (a)', ['index s.t.i']],
    ['CREATE TRIGGER g AFTER INSERT ON t EXECUTE FUNCTION f()', ['trigger t.g']],
    [
      'ALTER TABLE t ADD COLUMN a int, ADD CONSTRAINT c CHECK (a > 0) NOT VALID',
      ['column t.a', 'constraint t.c'],
    ],
    ['CREATE INDEX i ON t (a); ALTER TABLE t ADD CONSTRAINT c UNIQUE USING INDEX i', ['constraint t.c']],
    ['SET search_path = app, public; CREATE TABLE t (a int)', ['table app.t', 'column app.t.a']],
    ["SELECT set_config('search_path', '', false); CREATE TABLE s.t (a int)", ['table s.t', 'column s.t.a']],
    ['SET search_path = app; ALTER TABLE unknown ADD COLUMN a int', []],
  ])('%s', (sql, expected) => expect(expectedAfter(sql)).toEqual(expected));

  it('is where its table is, if that is known', () => {
    expect(expectedAfter('CREATE TABLE s.t (a int)', 'CREATE INDEX i ON t (a)')).toContain('index s.t.i');
  });
});

describe('what a later script takes away is not expected any more', () => {
  it.each([
    ['DROP TABLE public.t', []],
    ['ALTER TABLE t DROP COLUMN a', ['table t', 'column t.b']],
    ['ALTER TABLE t ATTACH PARTITION t FOR VALUES IN (1)', []],
    ['DROP OWNED BY me', []],
    ["DO 'BEGIN EXECUTE $q$DROP TABLE t$q$; END'", []],
    ["DO 'BEGIN PERFORM 1 FROM t; END'", OF_TABLE],
    ['DROP VIEW v', OF_TABLE],
    ['DROP SCHEMA s CASCADE', ['table t']],
  ])('%s', (sql, expected) => expect(expectedAfter(TABLE, sql)).toEqual(expected));

  it('with a table, its parts; with a column, what uses it', () => {
    const parts = `CREATE INDEX ia ON t (lower(a)); CREATE INDEX ib ON t (b); ALTER TABLE t ADD CONSTRAINT ca CHECK (a > b);
      CREATE TRIGGER g AFTER UPDATE OF b ON t EXECUTE FUNCTION f()`;
    expect(expectedAfter(TABLE, parts, 'ALTER TABLE t DROP COLUMN a')).toEqual([
      'table t',
      'column t.b',
      'index t.ib',
      'trigger t.g',
    ]);
    expect(expectedAfter(TABLE, parts, 'DROP TABLE t')).toEqual([]);
    expect(
      expectedAfter(TABLE, parts, 'DROP INDEX ia, ib; DROP TRIGGER g ON t; ALTER TABLE t DROP CONSTRAINT ca'),
    ).toEqual(OF_TABLE);
  });

  it('with CASCADE, whatever may depend on it', () => {
    const others =
      'CREATE VIEW v AS SELECT a FROM t; CREATE TABLE u (a int CONSTRAINT f REFERENCES t); CREATE TYPE e AS ENUM ()';
    expect(expectedAfter(TABLE, others, 'DROP TABLE t CASCADE')).toEqual(['table u', 'column u.a', 'type e']);
    expect(expectedAfter(TABLE, others, 'DROP TYPE e CASCADE')).toEqual(['table t', 'table u']);
    expect(expectedAfter('CREATE SCHEMA s', 'CREATE TABLE s.t (a int)', 'DROP SCHEMA s CASCADE')).toEqual([]);
  });

  it('of one schema only, if that is said', () => {
    const both = 'CREATE TABLE a.t (x int); CREATE TABLE b.t (x int)';
    expect(expectedAfter(both, 'DROP TABLE a.t')).toEqual(['table b.t', 'column b.t.x']);
    expect(expectedAfter(both, 'DROP TABLE t')).toEqual([]);
  });
});

describe('what is renamed or moved is expected under its new name', () => {
  it.each([
    ['ALTER TABLE t RENAME TO u', ['table u', 'column u.a', 'column u.b']],
    ['ALTER TABLE t RENAME COLUMN a TO c', ['table t', 'column t.c', 'column t.b']],
    ['ALTER TABLE t SET SCHEMA s', ['table s.t', 'column s.t.a', 'column s.t.b']],
    ['ALTER TABLE public.t RENAME TO u', ['table u', 'column u.a', 'column u.b']],
    ['ALTER TABLE other RENAME TO t', OF_TABLE],
  ])('%s', (sql, expected) => expect(expectedAfter(TABLE, sql)).toEqual(expected));

  it.each([
    ['CREATE INDEX i ON t (a)', 'ALTER INDEX i RENAME TO j', 'index t.j'],
    [
      'ALTER TABLE t ADD CONSTRAINT c CHECK (a > 0)',
      'ALTER TABLE t RENAME CONSTRAINT c TO d',
      'constraint t.d',
    ],
    ['CREATE TYPE e AS ENUM ()', 'ALTER TYPE e RENAME TO f; ALTER TYPE f SET SCHEMA s', 'type s.f'],
    ["CREATE FUNCTION f() RETURNS int LANGUAGE sql AS ''", 'ALTER FUNCTION f() RENAME TO g', 'function g'],
    [
      'CREATE TRIGGER g AFTER INSERT ON t EXECUTE FUNCTION f()',
      'ALTER TRIGGER g ON t RENAME TO h',
      'trigger t.h',
    ],
    ['CREATE SCHEMA s; CREATE VIEW s.v AS SELECT 1', 'ALTER SCHEMA s RENAME TO r', 'view r.v'],
  ])('%s; %s', (first, second, expected) => expect(expectedAfter(first, second).at(-1)).toBe(expected));

  it('is not expected at all where it cannot be told which of two is meant', () => {
    const both = 'CREATE TABLE a.t (); CREATE TABLE b.t ()';
    expect(expectedAfter(both, 'ALTER TABLE t RENAME TO u')).toEqual([]);
  });

  it('keeps what uses a renamed column apart from the rest', () => {
    const index = 'CREATE INDEX i ON t (a)';
    const [rename, drop] = ['ALTER TABLE t RENAME a TO c', 'ALTER TABLE t DROP COLUMN c'];
    expect(expectedAfter(TABLE, index, rename, drop)).toEqual(['table t', 'column t.b']);
  });
});
