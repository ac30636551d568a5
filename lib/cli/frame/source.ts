import { loadParser as load } from '../../adapters/libpg-query/index.ts';
import type { SqlParser } from '../../core/plan/compile/parser.ts';
import type { MigrationSource } from '../../core/plan/index.ts';
import { type MigrationsLocation, openSource as open } from '../../settings/index.ts';

/** The migrations that a command is about. Throws LS103, LS2xx. */
export const openSource = (location: MigrationsLocation): Promise<MigrationSource> =>
  open(location, loadParser);

/**
 * The parser is WebAssembly that works for a moment in this process: to optimise it meanwhile costs more than it saves,
 * and hundreds of MB. The flags are set when it is first needed and not at the start, because with other flags than Node
 * was built with V8 compiles Node's own modules anew, at every start. At the end they are as they were, because the next
 * run can use what is kept of this one's compiled code only if it begins with the same (lib/build/code-cache.ts).
 */
export async function loadParser(): Promise<SqlParser> {
  const { setFlagsFromString } = await import('node:v8');
  setFlagsFromString('--liftoff-only --no-wasm-tier-up --no-wasm-dynamic-tiering');
  process.prependOnceListener('exit', () =>
    setFlagsFromString('--no-liftoff-only --wasm-tier-up --wasm-dynamic-tiering'),
  );
  return load();
}
