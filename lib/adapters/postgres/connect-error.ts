/** Why no session could be opened, and whether another try may mend it. */
import pg from 'pg';
import { LockstepError, NOTHING_CHANGED } from '../../core/errors/index.ts';
import type { DatabaseConfig } from './config.ts';
import { databaseError } from './database-error.ts';
import { withGrant } from './denied.ts';
import { identifier } from './sql.ts';

/** 57P03: still starting, or shutting down for a fail-over; 53300: too many connections just now. */
const TRANSIENT_SQLSTATES = new Set(['57P03', '57P01', '57P02', '53300']);

export function isTransient(error: unknown): boolean {
  if (error instanceof LockstepError) return error.code === 'LS301';
  if (error instanceof pg.DatabaseError) return TRANSIENT_SQLSTATES.has(error.code ?? '');
  return !isTlsProblem(error) && !isNoAnswerToTls(error) && !isLoginProblem(error);
}

const isTlsProblem = (error: unknown): boolean => {
  const code = (error as NodeJS.ErrnoException | undefined)?.code ?? '';
  return /^(ERR_TLS|ERR_SSL|CERT_|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO)/.test(code);
};
/** node-pg's own sentence when the server answers N to SSLRequest. */
const isNoAnswerToTls = (error: unknown): boolean =>
  error instanceof Error && error.message.includes('does not support SSL connections');

/** node-pg's own, such as for a server that asks for a password when none is set. */
const isLoginProblem = (error: unknown): error is Error =>
  error instanceof Error && error.message.startsWith('SASL: ');

export function refusal(error: unknown, config: DatabaseConfig): LockstepError {
  if (isLoginProblem(error)) {
    const what = config.password
      ? `The login as ${config.user} failed: ${error.message}.`
      : `The server asks for a password for ${config.user}, and none is set.`;
    const remedy = 'Check user and password.';
    return new LockstepError('LS302', { what, state: NOTHING_CHANGED, remedy, cause: error });
  }
  if (isNoAnswerToTls(error) || isTlsProblem(error)) {
    const message = (error as Error).message.replace(/\.$/, '');
    return new LockstepError('LS303', {
      what: `No verified TLS connection to ${config.host}: ${message}.`,
      state: NOTHING_CHANGED,
      remedy: tlsRemedy(error),
      cause: error,
    });
  }
  const { database, user } = config;
  return withGrant(
    databaseError(error),
    `Have an administrator run GRANT CONNECT ON DATABASE ${identifier(database)} TO ${identifier(user)}.`,
  );
}

function tlsRemedy(error: unknown): string {
  if (isNoAnswerToTls(error))
    return 'Turn TLS on in the server, or, on a network that you trust, add sslmode=disable to the URL.';
  switch ((error as NodeJS.ErrnoException).code) {
    case 'ERR_TLS_CERT_ALTNAME_INVALID':
      return 'Connect by a name that is in the certificate.';
    case 'CERT_HAS_EXPIRED':
      return 'Renew the certificate in the server.';
    default:
      return "Give the CA that signed the server's certificate with sslrootcert=FILE.";
  }
}

export const reasonOf = (error: unknown): string =>
  error instanceof Error
    ? error.message || (error as NodeJS.ErrnoException).code || error.name
    : String(error);

export function unreachable(config: DatabaseConfig, budgetMs: number, cause: unknown): LockstepError {
  return new LockstepError('LS301', {
    what: `No answer from ${config.host}:${config.port} within ${Math.round(budgetMs / 100) / 10} s: ${reasonOf(cause)}.`,
    state: NOTHING_CHANGED,
    remedy: 'Check address, port, network and security groups, and whether the server runs.',
    cause,
  });
}
