import { describe, expect, test } from 'vitest';
import type { ParsedStatement } from '../../lib/core/plan/compile/index.ts';
import { compileScript } from '../../lib/core/plan/compile/script.ts';
import { SourceText } from '../../lib/core/plan/compile/source-text.ts';
import { sha256, stepsOf } from '../../lib/core/plan/index.ts';
import { compile, errorOf, onlyStatement, statementTexts } from '../support/compile.ts';

describe('statements', () => {
  test('are cut out of multibyte text without the comments around them and without semicolons', () => {
    const sql =
      "-- é\r\nSELECT 'ü€😀' /* 日本 */ ; ;; /* ö /* ä */ */ UPDATE tü SET a = 1 -- ß\n;\nselect\n 3 -- end";
    expect(statementTexts(compile(sql))).toEqual(["SELECT 'ü€😀'", 'UPDATE tü SET a = 1', 'select\n 3']);
  });

  test('keep their semicolons inside', () => {
    const body = 'CREATE FUNCTION f() RETURNS int LANGUAGE sql BEGIN ATOMIC SELECT 1; SELECT 2; END';
    const block = "DO $x$ BEGIN PERFORM ';'; END $x$";
    expect(statementTexts(compile(`${body};${block};SELECT ';'`))).toEqual([body, block, "SELECT ';'"]);
  });

  test('have the kind that the parser gives them', () => {
    const sql =
      'CREATE TABLE t (id int); WITH a AS (SELECT 1) INSERT INTO t SELECT * FROM a; GRANT SELECT ON t TO PUBLIC';
    expect(compile(sql).up.statements.map((s) => s.kind)).toEqual(['CreateStmt', 'InsertStmt', 'GrantStmt']);
  });

  test.each(['', '  \n', '-- nothing yet\n', ';;'])('there are none in %j', (sql) => {
    expect(compile(sql).up).toMatchObject({ statements: [], sql, sha256: sha256(sql) });
  });

  test('where scanner and parser disagree about the end, nothing is compiled', () => {
    const compileAs = (...statements: Omit<ParsedStatement, 'kind' | 'node'>[]) => {
      const found = statements.map((s) => ({ ...s, kind: 'SelectStmt', node: {} }));
      const parser = { parse: () => ({ ok: true, statements: found }) as const };
      return compileScript(new SourceText('a.sql', Buffer.from('SELECT 1; SELECT 2')), parser);
    };
    expect(compileAs({ start: 0, end: 8 }, { start: 9, end: 18 }).statements).toMatchObject([
      { start: 0, end: 8 },
      { start: 10, end: 18 },
    ]);
    for (const wrong of [
      [{ start: 0, end: 7 }],
      [{ start: 0, end: 8 }],
      [{ start: 7, end: 18 }],
      [{ start: 0, end: 3 }],
      [],
    ]) {
      expect(errorOf(() => compileAs(...wrong)).code).toBe('LS901');
    }
  });
});

describe('what cannot run in a transaction', () => {
  test.each([
    [
      'CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS i ON app.t (a)',
      { kind: 'index-valid', schema: 'app', table: 't', index: 'i' },
    ],
    ['CREATE INDEX CONCURRENTLY "I x" ON t (a)', { kind: 'index-valid', table: 't', index: 'I x' }],
    ['DROP INDEX CONCURRENTLY IF EXISTS app.i', { kind: 'index-absent', schema: 'app', index: 'i' }],
    ['DROP INDEX CONCURRENTLY i', { kind: 'index-absent', index: 'i' }],
    ['DROP INDEX CONCURRENTLY db.app.i', { kind: 'index-absent', schema: 'app', index: 'i' }],
    ['REINDEX INDEX CONCURRENTLY app.i', { kind: 'reindexed', of: 'relation', schema: 'app', name: 'i' }],
    ['REINDEX (VERBOSE, CONCURRENTLY) TABLE t', { kind: 'reindexed', of: 'relation', name: 't' }],
    ['REINDEX SCHEMA CONCURRENTLY app', { kind: 'reindexed', of: 'schema', schema: 'app' }],
    ['REINDEX DATABASE CONCURRENTLY', { kind: 'reindexed', of: 'database' }],
    ['REINDEX SCHEMA app', { kind: 'repeatable' }],
    ['REINDEX SYSTEM', { kind: 'repeatable' }],
    ['VACUUM', { kind: 'repeatable' }],
    ['VACUUM (ANALYZE) t', { kind: 'repeatable' }],
    ['CLUSTER', { kind: 'repeatable' }],
    ["ALTER SYSTEM SET work_mem = '8MB'", { kind: 'repeatable' }],
    [
      'ALTER TABLE t DETACH PARTITION p CONCURRENTLY',
      { kind: 'partition-detached', table: 't', partition: 'p' },
    ],
    [
      'ALTER TABLE a.t DETACH PARTITION b.p CONCURRENTLY',
      { kind: 'partition-detached', schema: 'a', table: 't', partitionSchema: 'b', partition: 'p' },
    ],
    ['CREATE DATABASE d', { kind: 'object-present', of: 'database', name: 'd' }],
    ['DROP DATABASE d', { kind: 'object-absent', of: 'database', name: 'd' }],
    ['ALTER DATABASE d SET TABLESPACE s', { kind: 'repeatable' }],
    ["CREATE TABLESPACE s LOCATION '/s'", { kind: 'object-present', of: 'tablespace', name: 's' }],
    ['DROP TABLESPACE s', { kind: 'object-absent', of: 'tablespace', name: 's' }],
    ["CREATE SUBSCRIPTION s CONNECTION '' PUBLICATION p", { kind: 'unknown' }],
    [
      "CREATE SUBSCRIPTION s CONNECTION '' PUBLICATION p WITH (connect = off, create_slot = 1)",
      { kind: 'unknown' },
    ],
    ['ALTER SUBSCRIPTION s REFRESH PUBLICATION', { kind: 'repeatable' }],
    ['ALTER SUBSCRIPTION s SET PUBLICATION p', { kind: 'repeatable' }],
    ['ALTER SUBSCRIPTION s ADD PUBLICATION p', { kind: 'unknown' }],
    ['ALTER SUBSCRIPTION s SET (failover = true)', { kind: 'repeatable' }],
    ['DROP SUBSCRIPTION s', { kind: 'unknown' }],
  ])('%s', (sql, postcondition) => {
    expect(onlyStatement(sql)).toMatchObject({ transactional: false });
    expect(onlyStatement(sql).postcondition).toEqual(postcondition);
  });

  test.each([
    'CREATE INDEX ON t (a)',
    'DROP INDEX a, b',
    'REINDEX TABLE t',
    'REINDEX (CONCURRENTLY false) INDEX i',
    'ANALYZE t',
    'CLUSTER t USING i',
    'ALTER TABLE t DETACH PARTITION p',
    'ALTER TABLE t DETACH PARTITION p FINALIZE',
    'ALTER DATABASE d CONNECTION LIMIT 3',
    "CREATE SUBSCRIPTION s CONNECTION '' PUBLICATION p WITH (connect = false)",
    "CREATE SUBSCRIPTION s CONNECTION '' PUBLICATION p WITH (create_slot = false)",
    'ALTER SUBSCRIPTION s SET PUBLICATION p WITH (refresh = false)',
    'ALTER SUBSCRIPTION s DISABLE',
    'ALTER SUBSCRIPTION s SET (streaming = on)',
    "ALTER TYPE mood ADD VALUE 'calm'",
    'REFRESH MATERIALIZED VIEW CONCURRENTLY m',
    'CHECKPOINT',
  ])('%s can', (sql) => {
    const statement = onlyStatement(sql);
    expect(statement.transactional).toBe(true);
    expect(statement).not.toHaveProperty('postcondition');
  });
});

describe('a new value of an enum', () => {
  const ADD = "ALTER TYPE mood ADD VALUE 'it''s'";
  test.each([
    [`${ADD}; INSERT INTO t VALUES ('it''s')`, [true, undefined]],
    [`${ADD}; DO $$ BEGIN PERFORM $x$it's$x$; END $$`, [true, undefined]],
    [`${ADD}; INSERT INTO t VALUES ('its')`, [undefined, undefined]],
    [`INSERT INTO t VALUES ('it''s'); ${ADD}`, [undefined, undefined]],
    ["ALTER TYPE mood RENAME VALUE 'a' TO 'b'; SELECT 'b'", [undefined, undefined]],
  ])('is committed at once if a later statement speaks of it: %s', (sql, ends) => {
    expect(compile(sql).up.statements.map((statement) => statement.endsTransaction)).toEqual(ends);
  });

  test('begins another step', () => {
    const steps = stepsOf(compile(`SELECT 1; ${ADD}; SELECT 'it''s'; SELECT 2`).up);
    expect(steps.map((step) => step.kind === 'transaction' && step.statements.length)).toEqual([2, 2]);
  });
});

describe('what cannot be part of a migration', () => {
  test.each([
    'BEGIN',
    'START TRANSACTION',
    'COMMIT',
    'END',
    'ROLLBACK',
    'ABORT',
    'SAVEPOINT s',
    'RELEASE s',
    'ROLLBACK TO s',
    "PREPARE TRANSACTION 'x'",
    "COMMIT PREPARED 'x'",
  ])('%s is refused with file, line and column', (sql) => {
    expect(errorOf(() => compile(`CREATE TABLE t (a int);\n  ${sql};`))).toMatchObject({
      code: 'LS205',
      what: expect.stringContaining('0001_first.sql, line 2'),
      position: { file: '0001_first.sql', line: 2, column: 3, text: `  ${sql};` },
    });
  });

  test('the same in a down file is refused', () => {
    const error = errorOf(() => compile('SELECT 1', 'DROP TABLE t; COMMIT'));
    expect(error).toMatchObject({
      code: 'LS205',
      position: { file: '0001_first.down.sql', line: 1, column: 15 },
    });
  });

  test('BEGIN and END of functions and blocks are no transactions', () => {
    const sql = 'DO $$ BEGIN END $$; CREATE FUNCTION f() RETURNS int LANGUAGE sql BEGIN ATOMIC SELECT 1; END';
    expect(compile(sql).up.statements).toHaveLength(2);
  });

  test.each([
    ['COPY t FROM STDIN', 'INSERT'],
    ['COPY (SELECT 1) TO STDOUT', 'Remove'],
    ['LISTEN x', 'Remove'],
    ['UNLISTEN *', 'Remove'],
    ['DISCARD ALL', 'DISCARD TEMP'],
    ['RESET ALL', 'one by one'],
    ['SELECT pg_advisory_unlock_all()', 'pg_advisory_xact_lock'],
    ['SELECT 1, pg_catalog.pg_advisory_unlock(1)', 'pg_advisory_xact_lock'],
    ['CREATE INDEX CONCURRENTLY ON t (a)', 'name'],
    ['DROP INDEX CONCURRENTLY a, b.c', 'one statement for each'],
  ])('%s is refused with advice', (sql, advice) => {
    const error = errorOf(() => compile(`\n${sql}`));
    expect(error).toMatchObject({ code: 'LS208', position: { line: 2, column: 1, text: sql } });
    expect(error.remedy).toContain(advice);
  });

  test.each([
    "COPY t FROM '/tmp/x'",
    "COPY t TO PROGRAM 'cat'",
    'DISCARD TEMP',
    'RESET work_mem',
    'NOTIFY x',
    'SELECT pg_advisory_xact_lock(1)',
  ])('%s is not refused', (sql) => {
    expect(onlyStatement(sql).transactional).toBe(true);
  });
});
