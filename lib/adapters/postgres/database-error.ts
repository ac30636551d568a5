/** PostgreSQL's and the network's errors as Lockstep's. DETAIL, HINT and WHERE stay out: they may hold row data. */
import pg from 'pg';
import { type ErrorCode, LockstepError, NOTHING_CHANGED } from '../../core/errors/index.ts';

export const SEE_LEDGER = 'Each migration is applied whole or not at all; the ledger tells which are.';

interface Explanation {
  readonly code: ErrorCode;
  readonly what: (message: string) => string;
  readonly state?: string;
  readonly remedy: string;
}

/** By SQLSTATE; https://www.postgresql.org/docs/current/errcodes-appendix.html. LS001… are raised by our own functions. */
const BY_SQLSTATE: Readonly<Record<string, Explanation>> = {
  '28P01': refused('LS302', 'Check user and password.'),
  '28000': refused('LS302', 'Check the user, and whether pg_hba.conf (or the cloud login) lets it in.'),
  '3D000': refused(
    'LS308',
    'Create the database (`lockstep up --create-database` does), or correct its name.',
  ),
  '42501': refused(
    'LS306',
    'Log in as the role that made the schema lockstep, or grant what is missing: docs/privileges.md lists the least that is needed.',
  ),
  '25006': refused('LS305', "Connect to the writer's address, not to a replica."),
  LS001: {
    code: 'LS403',
    what: () => 'A newer attempt has taken over this database.',
    state: 'Nothing was changed by this attempt since.',
    remedy: 'Nothing is to be done: the newer attempt finishes the work.',
  },
  LS004: {
    code: 'LS304',
    what: () =>
      'The connection goes through a pooler that changes the server session between statements, where no lock holds.',
    remedy: "Give the server's direct address, or the pooler's session mode.",
  },
  LS003: {
    code: 'LS608',
    what: (message) => `The migration changed its session: ${message}.`,
    state: 'It was rolled back.',
    remedy: 'Take the statement that unlocks advisory locks or changes the login out of the file.',
  },
};

function refused(code: ErrorCode, remedy: string): Explanation {
  return { code, what: (message) => `The database refuses: ${message}.`, state: NOTHING_CHANGED, remedy };
}

/** The session is gone: SQLSTATE classes 08 and 57P, or an error of the socket. */
export function connectionLost(cause: unknown): LockstepError {
  if (cause instanceof LockstepError) return cause;
  const message = cause instanceof Error ? cause.message : String(cause);
  return new LockstepError('LS301', {
    what: `The connection to the database was lost: ${message}.`,
    state: SEE_LEDGER,
    remedy: 'Run it again: the next attempt reads the ledger and goes on from there.',
    cause,
  });
}

export const isConnectionState = (sqlstate: string): boolean =>
  sqlstate.startsWith('08') || sqlstate.startsWith('57P') || sqlstate === '25P03' || sqlstate === '25P04';

/** Raised by the ledger's own functions. */
export const isOwnState = (sqlstate: string): boolean => sqlstate.startsWith('LS');

/** SQLSTATE LS002, or a migration's own COMMIT or ROLLBACK followed by an error. */
export const endedOwnTransaction = (cause: pg.DatabaseError): LockstepError =>
  new LockstepError('LS602', {
    what: 'The migration ended the transaction that it was run in.',
    state:
      'What it did before a COMMIT of its own is committed; `lockstep history` tells whether it is recorded as applied.',
    remedy:
      'Compare the schema with the file, and take the COMMIT or ROLLBACK (also in procedures) out of it.',
    context: { sqlstate: cause.code ?? null },
    cause,
  });

/** The error of a coordinator statement. Errors of migrations are made in migration-error.ts. */
export function databaseError(error: unknown): LockstepError {
  if (error instanceof LockstepError) return error;
  if (!(error instanceof pg.DatabaseError) || !error.code) return connectionLost(error);
  if (isConnectionState(error.code)) return connectionLost(error);
  if (error.code === 'LS002') return endedOwnTransaction(error);
  const known = BY_SQLSTATE[error.code];
  if (!known) return unexpected(error);
  return new LockstepError(known.code, {
    what: known.what(error.message),
    state: known.state ?? SEE_LEDGER,
    remedy: known.remedy,
    context: { sqlstate: error.code },
    cause: error,
  });
}

function unexpected(error: pg.DatabaseError): LockstepError {
  return new LockstepError('LS901', {
    what: `PostgreSQL refused a statement of Lockstep's own: ${error.message} (SQLSTATE ${error.code}).`,
    state: SEE_LEDGER,
    remedy: 'Run the same command again; if it fails again, report it with this text.',
    context: { sqlstate: error.code ?? null },
    cause: error,
  });
}
