import { CATALOGUE, type ErrorCode, type LockstepError } from '../errors/index.ts';
import { LOCK_NOT_AVAILABLE, sqlstateOf } from '../locks/index.ts';

export type Level = 'ok' | 'note' | 'problem';

/** What one look found. */
export interface Judgement {
  /** What was looked at, in a word: `connection`, `lock`. */
  readonly name: string;
  readonly level: Level;
  /** A sentence. */
  readonly what: string;
  /** What to do, with the command if there is one; null if nothing is to be done. */
  readonly next: string | null;
  /** A file of the documentation with its section: `docs/runbook.md#…`. */
  readonly see: string | null;
}

export const ok = (name: string, what: string): Judgement => ({
  name,
  level: 'ok',
  what,
  next: null,
  see: null,
});

export const note = (
  name: string,
  what: string,
  next: string | null = null,
  see: string | null = null,
): Judgement => ({ name, level: 'note', what, next, see });

export const problem = (name: string, what: string, next: string, see: string | null = null): Judgement => ({
  name,
  level: 'problem',
  what,
  next,
  see,
});

/** The code's section in the runbook. */
export function runbook(code: ErrorCode): string {
  const heading = `${code}: ${CATALOGUE[code].title}`;
  const anchor = heading
    .toLowerCase()
    .replaceAll(/[^a-z0-9 _-]/g, '')
    .replaceAll(' ', '-');
  return `docs/runbook.md#${anchor}`;
}

export const ofError = (name: string, { code, what, remedy }: LockstepError): Judgement =>
  problem(name, what, remedy, runbook(code));

/** SQLSTATE of a look that took too long. */
const QUERY_CANCELED = '57014';

/** Whether the look waited in vain, and the statement itself is as it should be. */
export const waitedInVain = (error: LockstepError): boolean =>
  [QUERY_CANCELED, LOCK_NOT_AVAILABLE].includes(sqlstateOf(error));

/** Of what could not be read. That a privilege is missing is told as such, once. */
export function unread(name: string, error: LockstepError): Judgement {
  if (error.code === 'LS306') return note(name, `Not looked at: ${error.what}`);
  if (!waitedInVain(error)) return ofError(name, error);
  return problem(
    name,
    'It could not be read: another session holds a lock on it, or the server is too busy to answer in time.',
    'Run this again; if it stays so, see who waits for whom in pg_stat_activity.',
    'docs/runbook.md#start-here',
  );
}
