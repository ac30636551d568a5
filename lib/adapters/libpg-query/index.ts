/**
 * PostgreSQL's own parser, of PostgreSQL 18, compiled to WebAssembly (the npm package libpg-query).
 *
 * Invariants: importing this file loads nothing; the WebAssembly module is loaded at the first `loadParser`, once
 * in a process. Offsets of statements are UTF-8 bytes, the position of a syntax error is in code points: both
 * are passed on as they are. What is loaded here works for a moment, in a process that may be an app's: it is not optimised
 * meanwhile (`UNOPTIMISED`), and does not begin with memory for large texts (initial-memory.ts). Modules of others that are
 * loaded meanwhile are left as they are.
 *
 * What can fail: a text can be nested too deeply or be too large for the parser. That is an outcome, not an
 * exception, and the parser stays usable.
 */

import type { StatementNode } from '../../core/plan/compile/parse-tree.ts';
import type { ParsedStatement, ParseOutcome, SqlParser } from '../../core/plan/compile/parser.ts';
import { withLessMemory } from './initial-memory.ts';

type LibPgQuery = typeof import('libpg-query');

export function loadParser(): Promise<SqlParser> {
  loading ??= load();
  return loading;
}

let loading: Promise<SqlParser> | undefined;

async function load(): Promise<SqlParser> {
  const { setFlagsFromString } = await import('node:v8');
  const setFlags = ARE_SET ? () => undefined : setFlagsFromString;
  const unoptimised = <Result>(work: () => Result): Result => {
    setFlags(UNOPTIMISED);
    try {
      return work();
    } finally {
      setFlags(AS_BEFORE);
    }
  };
  const library = await loadLibrary(unoptimised);
  return { parse: (sql) => unoptimised(() => parse(library, sql)) };
}

/** Gives what the work gives, which is done under the flags. */
type UnderFlags = <Result>(work: () => Result) => Result;

/** As far as it is used here. */
interface WebAssemblyApi {
  instantiate: (module: unknown, imports: object) => unknown;
  readonly Module: new (bytes: Buffer) => object;
  readonly Instance: new (module: object, imports: object) => object;
}

/** A name in PostgreSQL's parse tree: others may load modules of theirs meanwhile. */
const ONLY_IN_PARSER = 'stmt_location';

function asParser(module: unknown): Buffer | undefined {
  if (!(module instanceof Uint8Array)) return undefined;
  const bytes = Buffer.from(module.buffer, module.byteOffset, module.byteLength);
  return bytes.includes(ONLY_IN_PARSER) ? bytes : undefined;
}

/**
 * The library begins with its module as soon as it is imported, on V8's threads, for which it then waits, with whatever else runs
 * on the machine. Without optimisation it takes 3 ms, and is done at once here: so that the flags do not reach what else is loaded
 * meanwhile (V8 takes no code that was kept, lib/build/code-cache.ts, while other flags are set).
 */
async function loadLibrary(unoptimised: UnderFlags): Promise<LibPgQuery> {
  const { WebAssembly: api } = globalThis as unknown as { WebAssembly: WebAssemblyApi };
  const { instantiate } = api;
  api.instantiate = async (asked, imports) => {
    const parser = asParser(asked);
    if (!parser) return instantiate(asked, imports);
    return unoptimised(() => {
      const module = new api.Module(withLessMemory(parser));
      return { module, instance: new api.Instance(module, imports) };
    });
  };
  try {
    const library = await import('libpg-query');
    await library.loadModule();
    return library;
  } finally {
    api.instantiate = instantiate;
  }
}

/**
 * After some twenty small texts V8 begins to optimise the grammar, one function of 100 KB, beside the process: half a second
 * of a processor and 550 MB, more than many an app may have. A function that was compiled with these flags stays as it is; each
 * is looked through for errors when it is compiled, and not all five hundred before the first. They are the whole process's, and so
 * they are set for the moment only, and not where somebody has set one of them.
 */
const UNOPTIMISED = '--liftoff-only --no-wasm-tier-up --no-wasm-dynamic-tiering --wasm-lazy-validation';
const AS_BEFORE = '--no-liftoff-only --wasm-tier-up --wasm-dynamic-tiering --no-wasm-lazy-validation';
const ARE_SET = /liftoff|wasm[-_](?:tier[-_]up|dynamic[-_]tiering|lazy[-_]validation)/.test(
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
