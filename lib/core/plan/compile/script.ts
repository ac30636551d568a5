import { LockstepError, NOTHING_CHANGED } from '../../errors/index.ts';
import { inferLocks } from '../../locks/infer.ts';
import type { Script, Statement } from '../bundle.ts';
import { sha256 } from '../catalog.ts';
import { batchOf } from './batch-call.ts';
import { addsValueUsedLater } from './enum-value.ts';
import type { ParsedStatement, ParseOutcome, SqlParser } from './parser.ts';
import { refusalOf } from './refused.ts';
import type { SourceText } from './source-text.ts';
import { syntaxError } from './syntax-error.ts';
import { canonicalToken, isComment, type Token, tokensOf } from './tokens.ts';
import { postconditionOf } from './transactional.ts';
import { trimStatements } from './trim.ts';

/** A script with what its compilation found out on the way. */
export interface CompiledScript {
  readonly script: Script;
  /** Statements without comments around them. */
  readonly statements: readonly ParsedStatement[];
  /** All tokens, comments included. */
  readonly tokens: readonly Token[];
}

/** Throws LS204 for a syntax error, LS205 and LS208 for a statement that cannot be run. */
export function compileScript(source: SourceText, parser: SqlParser): CompiledScript {
  const outcome = parser.parse(source.sql);
  if (!outcome.ok) throw parseError(source, outcome);
  const bytes = source.bytes.toString('latin1');
  const tokens = [...tokensOf(bytes)];
  const sqlTokens = tokens.filter((token) => !isComment(token));
  const statements = trimStatements(source, sqlTokens, outcome.statements);
  for (const statement of statements) refuseIfNeeded(source, statement);
  const script = {
    file: source.file,
    sha256: sha256(source.bytes),
    normalizedSha256: normalizedSha256(bytes, sqlTokens),
    sql: source.sql,
    statements: withLocks(
      statements,
      statements.map((statement, index) => ({
        ...toStatement(source, statement, sqlTokens),
        ...(addsValueUsedLater(source, statements, index) ? { endsTransaction: true as const } : {}),
      })),
    ),
  };
  return { script, statements, tokens };
}

function toStatement(source: SourceText, statement: ParsedStatement, tokens: readonly Token[]): Statement {
  const { start, end, kind, node } = statement;
  const postcondition = postconditionOf(node);
  if (postcondition) return { start, end, kind, transactional: false, postcondition };
  const batch = batchOf(source, statement, tokens);
  return { start, end, kind, transactional: true, ...(batch ? { batch } : {}) };
}

function withLocks(parsed: readonly ParsedStatement[], statements: readonly Statement[]): Statement[] {
  const locks = inferLocks(
    statements.map(({ transactional, batch, endsTransaction = false }, i) => ({
      node: parsed[i]!.node,
      transactional: transactional && !batch,
      endsTransaction,
    })),
  );
  return statements.map((statement, i) => {
    const own = locks[i] ?? [];
    return own.length > 0 ? { ...statement, locks: own } : statement;
  });
}

/** Tokens are joined with a NUL, which no text has; empty statements and a missing last semicolon do not count. */
function normalizedSha256(bytes: string, tokens: readonly Token[]): string {
  const texts: string[] = [];
  for (const token of tokens) {
    const text = canonicalToken(bytes, token);
    if (text !== ';' || (texts.length > 0 && texts.at(-1) !== ';')) texts.push(text);
  }
  if (texts.at(-1) === ';') texts.pop();
  return sha256(Buffer.from(texts.join('\0'), 'latin1'));
}

function refuseIfNeeded(source: SourceText, { node, start }: ParsedStatement): void {
  const refusal = refusalOf(node);
  if (!refusal) return;
  const position = source.positionAt(start);
  throw new LockstepError(refusal.code, {
    what: `${position.file}, line ${position.line}: ${refusal.why}.`,
    state: NOTHING_CHANGED,
    remedy: refusal.remedy,
    position,
  });
}

function parseError(source: SourceText, outcome: Extract<ParseOutcome, { ok: false }>): LockstepError {
  if (outcome.reason === 'syntax') return syntaxError(source, outcome.message, outcome.character);
  return new LockstepError('LS208', {
    what: `${source.file} is too large or too deeply nested for PostgreSQL's parser (${outcome.message}).`,
    state: NOTHING_CHANGED,
    remedy: 'Split the file, or the statement that nests so deeply.',
    context: { file: source.file },
  });
}
