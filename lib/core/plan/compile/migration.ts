import type { Bundle, Migration } from '../bundle.ts';
import { type MigrationSource, makeBundle } from '../catalog.ts';
import { readDirectives, refuseDirectives } from './directives.ts';
import type { MigrationFiles } from './file-name.ts';
import { hazardsOf } from './hazards.ts';
import type { SqlParser } from './parser.ts';
import { compileScript } from './script.ts';
import { SourceText } from './source-text.ts';

/** Compiles one migration; `bytes` gives a file's content without byte order mark. Throws LS203 to LS208. */
export function compileMigration(
  files: MigrationFiles,
  bytes: (file: string) => Buffer,
  parser: SqlParser,
): Migration {
  const { revision, slug, phase } = files;
  const source = new SourceText(files.up, bytes(files.up));
  const up = compileScript(source, parser);
  const settings = readDirectives(source, up.tokens);
  const hazards = hazardsOf(source, up.statements);
  const migration = { revision, slug, phase, settings, up: up.script, hazards };
  if (files.down === undefined) return migration;
  const downSource = new SourceText(files.down, bytes(files.down));
  const down = compileScript(downSource, parser);
  refuseDirectives(downSource, down.tokens);
  return { ...migration, down: down.script };
}

/** Everything that a source has, compiled. Throws LS203 to LS208, LS211. */
export async function compileBundle(source: MigrationSource): Promise<Bundle> {
  const migrations = await source.load(source.catalog.map((entry) => entry.revision));
  return makeBundle(migrations, await source.loadRepeatables(source.repeatables.map(({ name }) => name)));
}
