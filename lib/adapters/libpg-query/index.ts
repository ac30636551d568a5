/**
 * PostgreSQL's own parser, of PostgreSQL 18, compiled to WebAssembly (the npm package libpg-query).
 *
 * Invariants: importing this file loads nothing; the WebAssembly module is loaded at the first `loadParser`, once
 * in a process. Offsets of statements are UTF-8 bytes, the position of a syntax error is in code points: both
 * are passed on as they are. What is loaded here works for a moment, in a process that may be an app's: it is not optimised
 * meanwhile (`UNOPTIMISED`).
 *
 * What can fail: a text can be nested too deeply or be too large for the parser. That is an outcome, not an
 * exception, and the parser stays usable.
 */

import type { StatementNode } from '../../core/plan/compile/parse-tree.ts';
import type { ParsedStatement, ParseOutcome, SqlParser } from '../../core/plan/compile/parser.ts';

type LibPgQuery = typeof import('libpg-query');

export function loadParser(): Promise<SqlParser> {
  loading ??= load();
  return loading;
}

let loading: Promise<SqlParser> | undefined;

async function load(): Promise<SqlParser> {
  const { setFlagsFromString } = await import('node:v8');
  const setFlags = ARE_SET ? () => undefined : setFlagsFromString;
  const library = await loadUnoptimised(setFlags);
  return {
    parse: (sql) => {
      setFlags(UNOPTIMISED);
      try {
        return parse(library, sql);
      } finally {
        setFlags(AS_BEFORE);
      }
    },
  };
}

/**
 * The flags count from when V8 begins with the module, which the library has it do as soon as it is imported; but what is imported
 * is code that may be kept (lib/build/code-cache.ts), and V8 takes none of that while other flags are set.
 */
async function loadUnoptimised(setFlags: (flags: string) => void): Promise<LibPgQuery> {
  const { WebAssembly } = globalThis as unknown as {
    WebAssembly: { instantiate(...asked: unknown[]): unknown };
  };
  const { instantiate } = WebAssembly;
  WebAssembly.instantiate = (...asked) => {
    setFlags(UNOPTIMISED);
    return instantiate(...asked);
  };
  try {
    const library = await import('libpg-query');
    await library.loadModule();
    return library;
  } finally {
    WebAssembly.instantiate = instantiate;
    setFlags(AS_BEFORE);
  }
}

/**
 * After some twenty small texts V8 begins to optimise the grammar, one function of 100 KB, beside the process: half a second
 * of a processor and 550 MB, more than many an app may have. A function that was compiled with these flags stays as it is. They
 * are the whole process's, and so they are set for the moment only, and not where somebody has set one of them.
 */
const UNOPTIMISED = '--liftoff-only --no-wasm-tier-up --no-wasm-dynamic-tiering';
const AS_BEFORE = '--no-liftoff-only --wasm-tier-up --wasm-dynamic-tiering';
const ARE_SET = /liftoff|wasm[-_](?:tier[-_]up|dynamic[-_]tiering)/.test(
  [...process.execArgv, process.env.NODE_OPTIONS].join(' '),
);

function parse(library: LibPgQuery, sql: string): ParseOutcome {
  // The library refuses an empty text, which is a script like any other.
  if (sql === '') return { ok: true, statements: [] };
  try {
    return { ok: true, statements: statementsOf(library.parseSync(sql), Buffer.byteLength(sql)) };
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    const { cursorPosition } = (library.hasSqlDetails(error) && error.sqlDetails) || {};
    if (cursorPosition === undefined || message.startsWith('memory exhausted'))
      return { ok: false, reason: 'gave-up', message };
    return { ok: false, reason: 'syntax', message, character: cursorPosition };
  }
}

/** The last statement has no length unless a semicolon follows it; a location of 0 is left out. */
function statementsOf(result: ReturnType<LibPgQuery['parseSync']>, length: number): ParsedStatement[] {
  return (result.stmts ?? []).map(({ stmt, stmt_location: start = 0, stmt_len }) => {
    const node = (stmt ?? {}) as StatementNode;
    return { start, end: stmt_len ? start + stmt_len : length, kind: Object.keys(node)[0] ?? '', node };
  });
}
