/** The error of a migration's own SQL, with its place in the file. */
import pg from 'pg';
import { type ErrorCode, LockstepError, type SourcePosition } from '../../core/errors/index.ts';
import { SourceText } from '../../core/plan/compile/source-text.ts';
import { migrationName, type Statement, type Step } from '../../core/plan/index.ts';
import { type Change, STATEMENT_SEPARATOR } from './change.ts';
import {
  connectionLost,
  databaseError,
  endedOwnTransaction,
  isConnectionState,
  isOwnState,
} from './database-error.ts';
import { QUERY_CANCELED } from './session-settings.ts';

/** What was sent to the server, and where in it the migration's statements are. */
export interface SentMessage {
  readonly change: Change;
  readonly step: Step;
  readonly statements: readonly Statement[];
  readonly texts: readonly string[];
  readonly before: string;
  readonly statementsBefore: number;
  readonly text: string;
  /** What stays of a statement outside a transaction, although it failed. */
  readonly left?: string | undefined;
  /** From a byte of a statement as it was sent to that of the file, where they differ. */
  readonly inFile?: (byte: number) => number;
}

type ServerError = pg.DatabaseError & { readonly commandsDone?: readonly string[] };

const LOCK_NOT_AVAILABLE = '55P03';

/** LS601 or LS604 for the migration's own statements; any other error as what it means by itself. */
export function migrationError(error: unknown, message: SentMessage): LockstepError {
  if (error instanceof LockstepError) return error;
  if (!(error instanceof pg.DatabaseError)) return connectionLost(error);
  const sqlstate = error.code ?? '';
  const { commandsDone = [] } = error as ServerError;
  // Our own COMMIT is the last statement: nothing fails after it.
  if (commandsDone.some((tag) => tag === 'COMMIT' || tag === 'ROLLBACK')) return endedOwnTransaction(error);
  const index = commandsDone.length - message.statementsBefore;
  const isOurs = index < 0 && !inStatements(error, message);
  if (isOurs || isOwnState(sqlstate) || isConnectionState(sqlstate)) return databaseError(error);
  return failed(error, message, index);
}

/** The server parses the whole message first: a syntax error comes before any statement was done. */
const inStatements = (error: pg.DatabaseError, { before }: SentMessage): boolean =>
  Number(error.position ?? 0) > codePoints(before);

function failed(error: pg.DatabaseError, message: SentMessage, index: number): LockstepError {
  const { change } = message;
  const sqlstate = error.code ?? '';
  const position = positionOf(error, message, index);
  const place = position
    ? `${position.file}, line ${position.line}, column ${position.column}`
    : change.script.file;
  const code: ErrorCode = sqlstate === QUERY_CANCELED ? 'LS604' : 'LS601';
  return new LockstepError(code, {
    what: `${place}: ${sentence(error.message)}.`,
    state: stateAfter(change, message),
    remedy:
      REMEDIES[sqlstate] ??
      REMEDIES[sqlstate.slice(0, 2)] ??
      (change.kind === 'reverted' ? correctDown(change) : 'Correct the file and run the same command again.'),
    position,
    context: { sqlstate, revision: change.revision, migration: migrationName(change) },
    cause: error,
  });
}

/** What runs is the ledger's script, not the file. */
const correctDown = ({ revision }: Change): string =>
  `Correct the down file, take it over with \`lockstep repair --accept ${revision}\`, and run the same command again.`;

/** By SQLSTATE or its class; the file is to blame for any other. */
const REMEDIES: Readonly<Record<string, string>> = {
  [LOCK_NOT_AVAILABLE]:
    'Run it again when whoever holds the lock is done, or allow a longer wait with `-- lockstep: lock-timeout=30s` at the top of the file.',
  [QUERY_CANCELED]:
    'Make the statement smaller, or give it more time (`-- lockstep: statement-timeout=` at the top of the file, the time limit of whoever runs it), and run it again.',
  '40': 'Run it again: it met others who changed the same rows or tables at that time.',
  '55P04':
    'Move what uses the new value of the enum into a later migration: PostgreSQL lets nobody use it before it is committed.',
  '42501': 'Grant the login what the statement needs, and run the same command again.',
  '53': 'Give the server the disk space, memory or connections that it lacks, and run the same command again.',
};

function stateAfter(change: Change, { step: { index, kind }, left }: SentMessage): string {
  const name = migrationName(change);
  const done = change.kind === 'repeatable' ? 'applied' : change.kind;
  if (change.steps.length === 1 && kind === 'transaction')
    return `${name} was rolled back as a whole and left no trace; the migrations ${done} before it stay so.`;
  const before = index === 0 ? 'nothing of it is done' : 'what comes before it is done and recorded';
  const trace = left === undefined ? 'left no trace' : `is begun and not done (it left ${left})`;
  return `Step ${index + 1} of ${change.steps.length} of ${name} ${trace}; ${before}, and the next run goes on there.`;
}

const sentence = (message: string): string => message.replaceAll(/\s+/g, ' ').trim().replace(/\.$/, '');

/** By the server's own position, else the start of the statement that failed; undefined for an error at COMMIT. */
function positionOf(
  error: pg.DatabaseError,
  message: SentMessage,
  index: number,
): SourcePosition | undefined {
  const { change, statements } = message;
  const source = new SourceText(change.script.file, Buffer.from(change.script.sql, 'utf8'));
  const offset = error.position === undefined ? undefined : offsetOf(Number(error.position) - 1, message);
  const start = offset ?? statements[index]?.start;
  return start === undefined ? undefined : source.positionAt(start);
}

/** Byte offset in the file of a code point of the message. */
function offsetOf(character: number, { before, texts, statements, inFile }: SentMessage): number | undefined {
  let start = codePoints(before);
  for (const [index, text] of texts.entries()) {
    const length = codePoints(text);
    if (character >= start && character <= start + length) {
      const inText = [...text].slice(0, character - start).join('');
      const byte = Buffer.byteLength(inText, 'utf8');
      return statements[index]!.start + (inFile ? inFile(byte) : byte);
    }
    start += length + STATEMENT_SEPARATOR.length;
  }
  return undefined;
}

const codePoints = (text: string): number => {
  let count = 0;
  for (const _ of text) count += 1;
  return count;
};
