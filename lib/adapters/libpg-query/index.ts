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

/** Told by a command: nobody else loads modules in this process, and so an invalid one cannot slip through (`UNCHECKED`). */
export function hasOwnProcess(): void {
  isOwnProcess = true;
}

let isOwnProcess = false;

async function load(): Promise<SqlParser> {
  const { setFlagsFromString } = await import('node:v8');
  const setFlags = ARE_SET ? () => undefined : setFlagsFromString;
  const under =
    ({ set, unset }: Flags): UnderFlags =>
    (work) => {
      setFlags(set);
      try {
        return work();
      } finally {
        setFlags(unset);
      }
    };
  const unoptimised = under(UNOPTIMISED);
  const library = await loadLibrary(isOwnProcess ? under(UNCHECKED) : unoptimised);
  return { parse: (sql) => unoptimised(() => parse(library, sql)) };
}

/** V8's. They are the whole process's, and are not touched where somebody has set one of them. */
interface Flags {
  readonly set: string;
  readonly unset: string;
}

/** Gives what the work gives, which is done under the flags. */
type UnderFlags = <Result>(work: () => Result) => Result;

/** As far as it is used here. */
interface WebAssemblyApi {
  instantiate: (...asked: readonly unknown[]) => unknown;
  readonly Module: new (bytes: Buffer) => object;
  readonly Instance: new (module: object, imports: unknown) => object;
}

/** The name of a file of libpg_query's, in what an assertion of it says: others may load modules of theirs meanwhile. */
const ONLY_IN_PARSER = 'pg_query_outfuncs_json';

function asParser(module: unknown): Buffer | undefined {
  if (!(module instanceof Uint8Array)) return undefined;
  const bytes = Buffer.from(module.buffer, module.byteOffset, module.byteLength);
  return bytes.includes(ONLY_IN_PARSER) ? bytes : undefined;
}

/**
 * The library begins with its module as soon as it is imported, on V8's threads, for which it then waits, with whatever else runs
 * on the machine. Without optimisation it takes 3 ms, and is done at once here: so that the flags do not reach what else is loaded
 * meanwhile (V8 takes no code that was kept, lib/build/code-cache.ts, while other flags are set).
 *
 * The library passes no options on to what loads its module. What is replaced here instead is the whole process's, and put back as soon
 * as the module has come.
 */
async function loadLibrary(underFlags: UnderFlags): Promise<LibPgQuery> {
  const { WebAssembly: api } = globalThis as unknown as { WebAssembly: WebAssemblyApi };
  const { instantiate } = api;
  const putBack = () => {
    // Unless somebody else, as another copy of this file, has taken its place since.
    if (api.instantiate === ours) api.instantiate = instantiate;
  };
  const ours: WebAssemblyApi['instantiate'] = async (...asked) => {
    const parser = asParser(asked[0]);
    if (!parser) return instantiate(...asked);
    putBack();
    return underFlags(() => {
      const module = new api.Module(withLessMemory(parser));
      return { module, instance: new api.Instance(module, asked[1]) };
    });
  };
  api.instantiate = ours;
  try {
    const library = await import('libpg-query');
    await library.loadModule();
    return library;
  } finally {
    putBack();
  }
}

/**
 * After some twenty small texts V8 begins to optimise the grammar, one function of 100 KB, beside the process: half a second
 * of a processor and 550 MB, more than many an app may have. A function that was compiled with these flags stays as it is. They are
 * set for the moment only.
 */
const UNOPTIMISED: Flags = {
  set: '--liftoff-only --no-wasm-tier-up --no-wasm-dynamic-tiering',
  unset: '--no-liftoff-only --wasm-tier-up --wasm-dynamic-tiering',
};

/**
 * What is called is looked through for errors then, and not all five hundred functions before the first: 3 ms less where processes
 * compete. While it is set, V8 takes any module for valid, and ends the process when an invalid one is called later: in an app
 * another thread may just be trying one.
 */
const UNCHECKED: Flags = {
  set: `${UNOPTIMISED.set} --wasm-lazy-validation`,
  unset: `${UNOPTIMISED.unset} --no-wasm-lazy-validation`,
};

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
