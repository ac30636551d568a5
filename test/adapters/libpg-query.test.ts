import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import { loadParser } from '../../lib/adapters/libpg-query/index.ts';
import { INITIAL_MIB, withLessMemory } from '../../lib/adapters/libpg-query/initial-memory.ts';
import { compile, onlyStatement } from '../support/compile.ts';
import { createDatabase, queryRows } from '../support/postgres.ts';

const parser = await loadParser();

describe('the parser', () => {
  test('gives statements with byte offsets and their kind', () => {
    expect(parser.parse("SELECT 'é'; /* ü */ DROP TABLE t")).toMatchObject({
      ok: true,
      statements: [
        { start: 0, end: 11, kind: 'SelectStmt' },
        { end: 34, kind: 'DropStmt', node: { DropStmt: { removeType: 'OBJECT_TABLE' } } },
      ],
    });
  });

  test('counts the position of an error in characters', () => {
    const outcome = parser.parse("SELECT '😀é', FROM FROM");
    expect(outcome).toEqual({
      ok: false,
      reason: 'syntax',
      message: 'syntax error at or near "FROM"',
      character: 13,
    });
  });

  test('takes an empty text for a script without statements', () => {
    expect(parser.parse('')).toEqual({ ok: true, statements: [] });
  });

  test('gives up on what is nested too deeply and works on', () => {
    for (const sql of [`SELECT ${'1+'.repeat(100_000)}1`, `SELECT ${'('.repeat(100_000)}`]) {
      expect(parser.parse(sql)).toMatchObject({ ok: false, reason: 'gave-up' });
    }
    expect(parser.parse('SELECT 1').ok).toBe(true);
  });

  test('is not optimised beside an app, which would take hundreds of MB', async () => {
    const code = `
      const { loadParser } = await import(${JSON.stringify(ADAPTER)});
      const parser = await loadParser();
      for (let i = 0; i < 200; i += 1) parser.parse('INSERT INTO t (n) VALUES (' + i + '); SELECT pg_sleep(0.05)');
      await new Promise((resolve) => setTimeout(resolve, 1_000));
      console.log(process.resourceUsage().maxRSS);`;
    // Of Node alone 45 MB.
    expect(Number(await outputOf(code)) / 1024).toBeLessThan(150);
  });

  test('is not optimised from the moment on in which V8 begins with it, and nothing else is loaded meanwhile', async () => {
    const code = `
      import { syncBuiltinESMExports } from 'node:module';
      import v8 from 'node:v8';
      const seen = [];
      const { setFlagsFromString } = v8;
      v8.setFlagsFromString = (flags) => {
        seen.push(flags.startsWith('--no-') ? 'as before' : 'unoptimised');
        setFlagsFromString(flags);
      };
      syncBuiltinESMExports();
      const { Module, Instance, instantiate } = WebAssembly;
      WebAssembly.Module = function (bytes) { seen.push('module'); return new Module(bytes); };
      WebAssembly.Instance = function (module, imports) { seen.push('instance'); return new Instance(module, imports); };
      const { loadParser } = await import(${JSON.stringify(ADAPTER)});
      // Node loads one, too, to read TypeScript.
      seen.length = 0;
      const parsers = await Promise.all([loadParser(), loadParser()]);
      console.log(JSON.stringify([...seen, parsers[0] === parsers[1], instantiate === WebAssembly.instantiate]));`;
    expect(await outputOf(code)).toEqual(['unoptimised', 'module', 'instance', 'as before', true, true]);
  });

  test('leaves modules of others as they are, also while it is loaded', async () => {
    const code = `
      const { loadParser } = await import(${JSON.stringify(ADAPTER)});
      const ofOthers = new Uint8Array(${JSON.stringify([...MEMORY_OF_128_MIB])});
      const meanwhile = [];
      let { instantiate } = WebAssembly;
      const asked = [];
      const original = instantiate;
      instantiate = (...all) => {
        asked.push(all.length);
        return original(...all);
      };
      Object.defineProperty(WebAssembly, 'instantiate', {
        get: () => instantiate,
        set: (given) => {
          instantiate = given;
          meanwhile.push(given.call(WebAssembly, ofOthers, {}, { builtins: [] }));
        },
      });
      const parsed = (await loadParser()).parse('SELECT 1').ok;
      const found = await Promise.all(meanwhile);
      const sizes = found.map(({ instance }) => instance.exports.m.buffer.byteLength);
      console.log(JSON.stringify([parsed, asked, sizes]));`;
    expect(await outputOf(code)).toEqual([true, [3, 3], [128 * MIB, 128 * MIB]]);
  });

  test('puts back what it replaces, also when two copies of it are loaded at once', async () => {
    const code = `
      const { instantiate } = WebAssembly;
      const copies = await Promise.all([import(${JSON.stringify(ADAPTER)}), import(${JSON.stringify(`${ADAPTER}?another`)})]);
      const parsers = await Promise.all(copies.map(({ loadParser }) => loadParser()));
      const parsed = parsers[0] !== parsers[1] && parsers.every(({ parse }) => parse('SELECT 1').ok);
      console.log(JSON.stringify([parsed, instantiate === WebAssembly.instantiate]));`;
    expect(await outputOf(code)).toEqual([true, true]);
  });

  test('lets no module of others pass that is not valid, unless the process is its own, and then for one moment only', async () => {
    const code = (before: string) => `
      import { syncBuiltinESMExports } from 'node:module';
      import v8 from 'node:v8';
      const { hasOwnProcess, loadParser } = await import(${JSON.stringify(ADAPTER)});
      const { Module } = WebAssembly;
      const { setFlagsFromString } = v8;
      const seen = [];
      v8.setFlagsFromString = (flags) => {
        setFlagsFromString(flags);
        // As another thread might at this moment. V8 remembers what it took for valid, so it is another one each time.
        const customSection = [0, 2, 1, seen.length];
        try {
          seen.push(typeof new Module(new Uint8Array([...${JSON.stringify([...INVALID])}, ...customSection])));
        } catch (error) {
          seen.push(error.name);
        }
      };
      syncBuiltinESMExports();
      ${before}
      const parser = await loadParser();
      parser.parse('SELECT 1');
      console.log(JSON.stringify(seen));`;
    const refused = Array.from({ length: 4 }, () => 'CompileError');
    expect(await outputOf(code(''))).toEqual(refused);
    expect(await outputOf(code('hasOwnProcess();'))).toEqual(['object', ...refused.slice(1)]);
  });

  test('begins with less memory than has V8 look for garbage, and has more when it needs it', async () => {
    const code = `
      const external = () => process.memoryUsage().external;
      const { loadParser } = await import(${JSON.stringify(ADAPTER)});
      const before = external();
      const parser = await loadParser();
      const loaded = external() - before;
      const { ok } = parser.parse('SELECT ' + '1, '.repeat(500_000) + '1');
      console.log(JSON.stringify([ok, loaded, external() - before]));`;
    const [ok, loaded, large] = (await outputOf(code)) as [boolean, number, number];
    expect(ok).toBe(true);
    // kExternalAllocationSoftLimit in V8's src/common/globals.h, less what else a process has.
    expect(loaded).toBeLessThan(50 * MIB);
    expect(large).toBeGreaterThan(64 * MIB);
  });

  test('changes nothing but the memory of a module with one that is too large', () => {
    const changed = withLessMemory(MEMORY_OF_128_MIB);
    expect(changed.length).toBe(MEMORY_OF_128_MIB.length);
    const differing = [...changed.keys()].filter((i) => changed[i] !== MEMORY_OF_128_MIB[i]);
    expect(differing).toEqual([FIRST_PAGES + 1]);
    expect(changed[FIRST_PAGES + 1]).toBe((INITIAL_MIB * 16) / 128);
    const small = Buffer.from(MEMORY_OF_128_MIB).fill(1, FIRST_PAGES + 1, FIRST_PAGES + 2);
    const withoutLimit = Buffer.from('0061736d0100000005040100801007050101016d0200', 'hex');
    const withoutMemory = Buffer.from('0061736d01000000', 'hex');
    for (const other of [small, withoutLimit, withoutMemory]) {
      expect(withLessMemory(other)).toBe(other);
    }
  });
});

/** (module (memory (export "m") 2048 16384)) */
const MEMORY_OF_128_MIB = Buffer.from('0061736d01000000050701018010808001070501016d0200', 'hex');
/** (module (func (export "f") i32.add)), of nothing. */
const INVALID = Buffer.from('0061736d0100000001040160000003020100070501016600000a050103006a0b', 'hex');
/** Where it says so. */
const FIRST_PAGES = 12;
const MIB = 2 ** 20;

/** In a process of its own, which does not outlive a test that waits for it in vain. */
async function outputOf(code: string): Promise<unknown> {
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', code], {
    timeout: 30_000,
    killSignal: 'SIGKILL',
  });
  return JSON.parse(stdout);
}

const ADAPTER = new URL('../../lib/adapters/libpg-query/index.ts', import.meta.url).href;

describe('a real server', () => {
  const inTransaction = async (url: string, sql: string): Promise<string> => {
    try {
      await queryRows(url, `BEGIN; ${sql}; ROLLBACK`);
      return 'done';
    } catch (error) {
      return (error as { code?: string }).code ?? String(error);
    }
  };

  test('refuses in a transaction what is compiled as not transactional, and nothing else', async () => {
    const database = await createDatabase();
    try {
      await queryRows(database.url, SCHEMA);
      for (const sql of await known(database.url, [...OUTSIDE, ...INSIDE])) {
        const outcome = await inTransaction(database.url, sql);
        expect([sql, outcome === '25001' ? false : outcome]).toEqual([
          sql,
          onlyStatement(sql).transactional && 'done',
        ]);
      }
    } finally {
      await queryRows(database.url, 'ALTER SUBSCRIPTION s SET (slot_name = NONE); DROP SUBSCRIPTION s');
      await database.drop();
    }
  });

  test('rewrites a table where a hazard says so, and only there', async () => {
    const database = await createDatabase();
    const fileNode = () => queryRows(database.url, "SELECT pg_relation_filenode('w') AS node");
    try {
      await queryRows(database.url, 'CREATE TABLE w (a int); INSERT INTO w VALUES (1)');
      for (const change of await known(database.url, CHANGES)) {
        const sql = `ALTER TABLE w ${change}`;
        const before = await fileNode();
        await queryRows(database.url, sql);
        const rewritten = JSON.stringify(await fileNode()) !== JSON.stringify(before);
        expect([sql, compile(sql).hazards.map((h) => h.class)]).toEqual([
          sql,
          rewritten ? ['rewrites-table'] : [],
        ]);
      }
    } finally {
      await database.drop();
    }
  });
});

/** The parser knows what PostgreSQL 18 does; an older server does not know all of it. */
const SINCE: Readonly<Record<string, number>> = {
  'ADD c2 int GENERATED ALWAYS AS (a + 1) VIRTUAL': 18,
  'ALTER c1 SET EXPRESSION AS (a + 2)': 17,
  'ALTER SUBSCRIPTION s SET (failover = true)': 17,
  'REINDEX SYSTEM': 16,
  'REINDEX DATABASE': 16,
};

async function known(url: string, statements: readonly string[]): Promise<string[]> {
  const [row] = await queryRows<{ major: number }>(
    url,
    "SELECT current_setting('server_version_num')::int / 10000 AS major",
  );
  return statements.filter((sql) => (SINCE[sql] ?? 0) <= (row?.major ?? 0));
}

const CHANGES = [
  'ADD b1 timestamptz DEFAULT now()',
  'ADD b2 timestamptz DEFAULT clock_timestamp()',
  'ADD b3 uuid DEFAULT gen_random_uuid()',
  "ADD b4 text DEFAULT lower('X') NOT NULL",
  'ADD b5 float DEFAULT 1 + random()',
  'ADD b6 serial',
  'ADD b7 int GENERATED ALWAYS AS IDENTITY',
  "ADD b8 bigint DEFAULT nextval('w_b6_seq')",
  'ADD c1 int GENERATED ALWAYS AS (a + 1) STORED',
  'ADD c2 int GENERATED ALWAYS AS (a + 1) VIRTUAL',
  'ALTER c1 SET EXPRESSION AS (a + 2)',
  'ALTER b4 SET DEFAULT gen_random_uuid()::text',
  'ALTER b6 TYPE bigint',
  'SET UNLOGGED',
  'SET LOGGED',
  'SET (fillfactor = 90)',
];

const SCHEMA = `
  CREATE TABLE t (a int PRIMARY KEY, b text); CREATE INDEX i ON t (b); CREATE INDEX j ON t (b);
  CREATE TABLE p (a int) PARTITION BY LIST (a); CREATE TABLE p1 PARTITION OF p FOR VALUES IN (1);
  CREATE TYPE mood AS ENUM ('sad'); CREATE MATERIALIZED VIEW m AS SELECT a FROM t; CREATE UNIQUE INDEX k ON m (a);
  CREATE SUBSCRIPTION s CONNECTION 'dbname=none' PUBLICATION q WITH (connect = false)`;

const OUTSIDE = [
  'CREATE INDEX CONCURRENTLY x ON t (b)',
  'DROP INDEX CONCURRENTLY i',
  'REINDEX INDEX CONCURRENTLY i',
  'REINDEX (CONCURRENTLY) TABLE t',
  'REINDEX SCHEMA public',
  'REINDEX SYSTEM',
  'REINDEX DATABASE',
  'VACUUM t',
  'VACUUM (FULL, ANALYZE) t',
  'CLUSTER',
  "ALTER SYSTEM SET work_mem = '8MB'",
  'ALTER TABLE p DETACH PARTITION p1 CONCURRENTLY',
  'CREATE DATABASE never_made',
  'DROP DATABASE never_made',
  'ALTER DATABASE never_made SET TABLESPACE pg_default',
  "CREATE TABLESPACE never_made LOCATION '/never_made'",
  'DROP TABLESPACE never_made',
  "CREATE SUBSCRIPTION u CONNECTION 'dbname=none' PUBLICATION q",
  'ALTER SUBSCRIPTION s SET (failover = true)',
  'DROP SUBSCRIPTION s',
];

const INSIDE = [
  'CREATE INDEX x ON t (b)',
  'DROP INDEX i, j',
  'REINDEX TABLE t',
  'REINDEX (CONCURRENTLY false) INDEX i',
  'ANALYZE t',
  'CLUSTER t USING i',
  'ALTER TABLE p DETACH PARTITION p1',
  "CREATE SUBSCRIPTION u CONNECTION 'dbname=none' PUBLICATION q WITH (connect = false)",
  'ALTER SUBSCRIPTION s SET PUBLICATION r WITH (refresh = false)',
  'ALTER SUBSCRIPTION s SET (streaming = on)',
  "ALTER TYPE mood ADD VALUE 'calm'",
  'REFRESH MATERIALIZED VIEW CONCURRENTLY m',
  'CHECKPOINT',
  'DISCARD TEMP',
];
