/**
 * Where the database is and how to log in, from a URL or from libpq's PG* variables. The URL wins over
 * variables; a missing part of the URL is filled from them. All problems are collected into one LS102.
 *
 * TLS: a server that is not on this host must prove its identity (`sslmode` absent, require, verify-ca or
 * verify-full all verify). Only an explicit `sslmode=disable` turns TLS off; no setting skips the check.
 * Sources: libpq's environment variables and sslmode, https://www.postgresql.org/docs/current/libpq-envars.html
 */
import { isIP } from 'node:net';
import pgConnectionString from 'pg-connection-string';
import { LockstepError, NOTHING_CHANGED } from '../../core/errors/index.ts';

export interface DatabaseConfig {
  readonly host: string;
  readonly port: number;
  readonly database: string;
  readonly user: string;
  /** A function is called anew for each connection: rotated secrets and IAM tokens live for minutes. */
  readonly password?: string | (() => Promise<string>) | undefined;
  readonly tls: 'verify' | 'disable';
  /** Certificates (PEM) to trust instead of Node's own list; a function is called when they are needed. */
  readonly caPem?: string | (() => Promise<string>) | undefined;
  /** Settings of the session, as libpq takes them: `-c search_path=app`. */
  readonly options?: string | undefined;
  /** How long to try to reach a server that does not answer yet; default 60 s: a paused serverless cluster wakes in about 30. */
  readonly connectBudgetMs?: number | undefined;
  /** Its sessions are not waited for when they end, as psql does it: of a process that ends with them. */
  readonly leavesAtOnce?: boolean | undefined;
}

export interface ConfigSources {
  readonly url?: string | undefined;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Reads a certificate file; throws when it cannot. */
  readonly readFile: (path: string) => string;
}

const VERIFYING_MODES = ['require', 'verify-ca', 'verify-full'];
const LIBPQ_ONLY_MODES = ['allow', 'prefer'];

export function databaseConfigFrom(sources: ConfigSources): DatabaseConfig {
  const problems: string[] = [];
  const config = readDatabaseConfig(sources, problems);
  if (!config) throw configurationError(problems);
  return config;
}

/** The same for callers that have more settings to check: adds to `problems` instead of throwing. */
export function readDatabaseConfig(
  { url, env, readFile }: ConfigSources,
  problems: string[],
): DatabaseConfig | undefined {
  const before = problems.length;
  const given = url ?? env.DATABASE_URL;
  const parsed = given === undefined || given === '' ? undefined : parseUrl(given, problems);
  const host = parsed?.host || env.PGHOST || (parsed ? 'localhost' : undefined);
  if (!host && problems.length === before)
    problems.push(
      'no database is named: set DATABASE_URL, or PGHOST and the other PG* variables, or give --database-url',
    );
  const port = Number(parsed?.port || env.PGPORT || 5432);
  if (!Number.isInteger(port) || port < 1 || port > 65_535)
    problems.push('the port is not a number from 1 to 65535');
  const user = parsed?.user || env.PGUSER || env.USER || 'postgres';
  if (host?.includes(',')) problems.push('more than one host is given, and only one is supported');
  const mode = parsed?.sslmode || env.PGSSLMODE || undefined;
  const tls = tlsFor(host ?? '', mode, problems);
  if (parsed?.clientCertificate || env.PGSSLCERT || env.PGSSLKEY)
    problems.push('client certificates (sslcert, sslkey) are not supported: log in with a password');
  const rootCert = parsed?.sslrootcert ?? env.PGSSLROOTCERT;
  const caPem = rootCert && rootCert !== 'system' ? readCertificate(rootCert, readFile, problems) : undefined;
  const password = parsed?.password || env.PGPASSWORD;
  const options = parsed?.options || env.PGOPTIONS;
  const connectTimeout = connectBudget(parsed?.connectTimeout ?? env.PGCONNECT_TIMEOUT, problems);
  if (problems.length > before) return undefined;
  return {
    host: host!,
    port,
    database: parsed?.database || env.PGDATABASE || user,
    user,
    ...(password ? { password } : {}),
    tls,
    ...(caPem ? { caPem } : {}),
    ...(options ? { options } : {}),
    ...(connectTimeout === undefined ? {} : { connectBudgetMs: connectTimeout }),
  };
}

/** libpq's connect_timeout, in seconds, as the budget for reaching the server. */
function connectBudget(seconds: string | undefined, problems: string[]): number | undefined {
  if (seconds === undefined || seconds === '') return undefined;
  const value = Number(seconds);
  if (!Number.isFinite(value) || value <= 0)
    problems.push('connect_timeout (PGCONNECT_TIMEOUT) is not a number of seconds above 0');
  return value * 1000;
}

/** One LS102 for any number of problems; the functions' settings use it, too. */
export function configurationError(problems: readonly string[]): LockstepError {
  return new LockstepError('LS102', {
    what: `The configuration is not usable: ${problems.join('; ')}.`,
    state: NOTHING_CHANGED,
    remedy: 'Correct the settings named above and run the same command again.',
  });
}

interface UrlParts {
  host: string;
  port: string;
  database: string;
  user: string;
  password: string;
  sslmode?: string | undefined;
  sslrootcert?: string | undefined;
  options?: string | undefined;
  connectTimeout?: string | undefined;
  /** Whether one is asked for. */
  clientCertificate: boolean;
}

/** The parser reads files for some of these, and knows modes that skip verification: they are taken out before. */
const TLS_PARAMETERS = ['sslmode', 'sslrootcert', 'sslcert', 'sslkey', 'ssl'];

function parseUrl(url: string, problems: string[]): UrlParts | undefined {
  // The URL holds the password: it is never part of a message.
  if (!/^postgres(ql)?:\/\//.test(url)) {
    problems.push('the database URL does not begin with postgres:// or postgresql://');
    return undefined;
  }
  try {
    // Not as a URL: one with a user, a socket as host parameter and nothing between @ and / is not one.
    const [address, query = ''] = url.split('?', 2);
    const parameters = new URLSearchParams(query);
    const sslmode = parameters.get('sslmode') ?? undefined;
    const sslrootcert = parameters.get('sslrootcert') ?? undefined;
    const options = parameters.get('options') ?? undefined;
    const connectTimeout = parameters.get('connect_timeout') ?? undefined;
    const clientCertificate = parameters.has('sslcert') || parameters.has('sslkey');
    for (const name of TLS_PARAMETERS) parameters.delete(name);
    const { host, port, database, user, password } = pgConnectionString.parse(`${address}?${parameters}`);
    return {
      host: host ?? '',
      port: port ?? '',
      database: database ?? '',
      user: user ?? '',
      password: password ?? '',
      sslmode,
      sslrootcert,
      options,
      connectTimeout,
      clientCertificate,
    };
  } catch {
    problems.push(
      'the database URL is not understood (special characters in the password must be percent-encoded)',
    );
    return undefined;
  }
}

function tlsFor(host: string, mode: string | undefined, problems: string[]): 'verify' | 'disable' {
  if (mode === 'disable') return 'disable';
  if (mode !== undefined && VERIFYING_MODES.includes(mode)) return 'verify';
  if (mode !== undefined && !LIBPQ_ONLY_MODES.includes(mode)) {
    problems.push(
      `sslmode=${mode} is not supported: the server's certificate is always verified; give its CA with sslrootcert`,
    );
  }
  return isLocal(host) ? 'disable' : 'verify';
}

export function isLocal(host: string): boolean {
  const name = host.replace(/^\[|\]$/g, '');
  return (
    name === 'localhost' ||
    name === '::1' ||
    name.startsWith('/') ||
    (isIP(name) === 4 && name.startsWith('127.'))
  );
}

function readCertificate(
  path: string,
  readFile: ConfigSources['readFile'],
  problems: string[],
): string | undefined {
  try {
    return readFile(path);
  } catch {
    problems.push(`the certificate file ${path} cannot be read`);
    return undefined;
  }
}
