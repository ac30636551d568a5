import { LockstepError, NOTHING_CHANGED } from '../../errors/index.ts';
import type { Repeatable } from '../bundle.ts';
import { readDirectives } from './directives.ts';
import { hazardsOf } from './hazards.ts';
import type { SqlParser } from './parser.ts';
import { compileScript } from './script.ts';
import { SourceText } from './source-text.ts';

/** The file of one repeatable object. */
export interface RepeatableFile {
  readonly name: string;
  readonly file: string;
}

/**
 * Compiles one; `bytes` gives a file's content without byte order mark. It runs again and again, so all of it has to be
 * in one transaction: otherwise LS211. Throws LS203 to LS208, too.
 */
export function compileRepeatable(
  { name, file }: RepeatableFile,
  bytes: (file: string) => Buffer,
  parser: SqlParser,
): Repeatable {
  const source = new SourceText(file, bytes(file));
  const { script, statements, tokens } = compileScript(source, parser);
  const alone = script.statements.find((statement) => !statement.transactional);
  if (alone) throw refused(source, alone.start);
  const settings = readDirectives(source, tokens);
  return { name, settings, script, hazards: hazardsOf(source, statements) };
}

function refused(source: SourceText, offset: number): LockstepError {
  const position = source.positionAt(offset);
  return new LockstepError('LS211', {
    what: `${position.file}, line ${position.line}, column ${position.column}: this statement cannot run in a transaction, as all of a repeatable object does.`,
    state: NOTHING_CHANGED,
    remedy: 'Move the statement to a migration with a revision of its own.',
    position,
  });
}
