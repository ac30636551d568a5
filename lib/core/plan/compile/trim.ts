import { LockstepError, NOTHING_CHANGED } from '../../errors/index.ts';
import type { ParsedStatement } from './parser.ts';
import type { SourceText } from './source-text.ts';
import type { Token } from './tokens.ts';

const SEMICOLON = 0x3b;

/**
 * Takes the comments around a statement away: one at its end would comment out whatever is put behind it. The
 * boundaries are the parser's, the tokens (without comments) this folder's: where the two disagree, nothing may be
 * sent to a database. Throws LS901.
 */
export function trimStatements(
  source: SourceText,
  tokens: readonly Token[],
  statements: readonly ParsedStatement[],
): ParsedStatement[] {
  const isSemicolon = (token: Token) =>
    token.end - token.start === 1 && source.bytes[token.start] === SEMICOLON;
  let next = 0;
  const skipSemicolons = () => {
    while (next < tokens.length && isSemicolon(tokens[next]!)) next++;
  };
  const trimmed = statements.map((statement) => {
    skipSemicolons();
    const first = tokens[next];
    while (next < tokens.length && tokens[next]!.end <= statement.end) next++;
    const last = tokens[next - 1];
    const following = tokens[next];
    if (!first || !last || first.start < statement.start || last.start < first.start)
      throw disagreement(source, statement.start);
    if (following && !(following.start === statement.end && isSemicolon(following)))
      throw disagreement(source, statement.end);
    return { ...statement, start: first.start, end: last.end };
  });
  skipSemicolons();
  if (next < tokens.length) throw disagreement(source, tokens[next]!.start);
  return trimmed;
}

function disagreement(source: SourceText, offset: number): LockstepError {
  const position = source.positionAt(offset);
  return new LockstepError('LS901', {
    what: `${position.file}, line ${position.line}: it cannot be told where a statement begins or ends.`,
    state: NOTHING_CHANGED,
    remedy: 'Report it with this line; until then, write the statement in another way.',
    position,
  });
}
