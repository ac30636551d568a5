import { LockstepError, NOTHING_CHANGED } from '../../errors/index.ts';
import type { SourceText } from './source-text.ts';

/** PostgreSQL quotes what it stumbled over, which can be the rest of the file. */
const MESSAGE_LIMIT = 120;

/** `character`: position of the error in code points, from 0. */
export function syntaxError(source: SourceText, message: string, character: number): LockstepError {
  const offset = source.offsetOfCharacter(character);
  const position = source.positionAt(offset);
  const [firstLine = ''] = message.split(/\r?\n/, 1);
  const short =
    firstLine.length > MESSAGE_LIMIT || firstLine !== message
      ? `${firstLine.slice(0, MESSAGE_LIMIT)} …`
      : message;
  return new LockstepError('LS204', {
    what: `${position.file}, line ${position.line}, column ${position.column}: ${short}.`,
    state: NOTHING_CHANGED,
    remedy: remedyFor(source, offset, position.text),
    position,
  });
}

/** The two frequent cases in which it is no slip: what only psql understands. */
function remedyFor(source: SourceText, offset: number, line: string): string {
  const earlier = source.bytes.toString('utf8', Math.max(0, offset - 10_000), offset);
  if (/\bfrom\s+stdin\b[^;]*;[^;]*$/i.test(earlier)) {
    return 'COPY FROM STDIN with rows in the file works in psql only: write the rows as INSERT statements.';
  }
  if (line.trimStart().startsWith('\\'))
    return 'Remove the line: commands with a backslash are understood by psql only.';
  return 'Correct the file.';
}
