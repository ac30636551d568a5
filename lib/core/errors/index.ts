/**
 * Errors shown to people: one sentence what happened, one what is true of the database now, one what to do.
 *
 * Invariants: the code is stable; `name` comes from the catalogue, never from the class, so that it survives
 * minification and is what a state machine's Catch compares with; the texts hold no secret and no row data
 * (PostgreSQL's DETAIL stays out), because they travel through logs, events and state outputs.
 */
import { CATALOGUE, type ErrorCode, ErrorName, ExitCode } from './catalogue.ts';

export { CATALOGUE, type ErrorCode, ErrorName, ExitCode };

/** Where in a file something is: 1-based line and column (columns count characters). */
export interface SourcePosition {
  readonly file: string;
  readonly line: number;
  readonly column: number;
  /** The text of that line, without its end. */
  readonly text: string;
}

export interface ErrorDetails {
  /** What happened, one sentence. */
  readonly what: string;
  /** What is true of the database now, one sentence. */
  readonly state: string;
  /** What to do next, one sentence. */
  readonly remedy: string;
  readonly position?: SourcePosition | undefined;
  /** Small, printable facts (SQLSTATE, revision, pid …): for logs and `--json`. */
  readonly context?: Readonly<Record<string, string | number | boolean | null>> | undefined;
  readonly cause?: unknown;
  /** Of a foreign command, which is passed on; else the catalogue's. */
  readonly exitCode?: number | undefined;
}

export const NOTHING_CHANGED = 'Nothing was changed in the database.';

export class LockstepError extends Error {
  readonly code: ErrorCode;
  readonly what: string;
  readonly state: string;
  readonly remedy: string;
  readonly position: SourcePosition | undefined;
  readonly context: Readonly<Record<string, string | number | boolean | null>>;
  readonly exitCode: number;

  constructor(code: ErrorCode, details: ErrorDetails) {
    // A line each: who gets no more than the message can still tell them apart.
    super(`${code}: ${details.what}\n${details.state}\n${details.remedy}`, { cause: details.cause });
    this.name = CATALOGUE[code].name;
    this.code = code;
    this.what = details.what;
    this.state = details.state;
    this.remedy = details.remedy;
    this.position = details.position;
    this.context = details.context ?? {};
    this.exitCode = details.exitCode ?? CATALOGUE[code].exit;
  }

  /** Whether the same call may simply be made again. */
  get retryable(): boolean {
    return CATALOGUE[this.code].retryable;
  }
}

/** Anything thrown, as a LockstepError: unknown ones become LS901 with their own message. */
export function asLockstepError(error: unknown): LockstepError {
  if (error instanceof LockstepError) return error;
  const message = error instanceof Error ? error.message : String(error);
  return new LockstepError('LS901', {
    what: `Unexpected error: ${message}.`,
    state: 'Migrations are applied whole or not at all; `lockstep status` tells which are.',
    remedy: 'Run the same command again; if it fails again, report it with this text.',
    cause: error,
  });
}

/** By the name that an SDK gives its errors. */
export const isNamed = (error: unknown, names: readonly string[]): boolean =>
  error instanceof Error && names.includes(error.name);
