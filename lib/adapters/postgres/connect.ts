/** Opening a session: retried within a budget while the server is not there yet, never when it says no. */
import pg from 'pg';
import type { Clock } from '../../core/clock.ts';
import { LockstepError, NOTHING_CHANGED } from '../../core/errors/index.ts';
import { clientConfig } from './client-config.ts';
import type { DatabaseConfig } from './config.ts';
import { databaseError } from './database-error.ts';
import { Session, type SessionFacts } from './session.ts';
import { SESSION_SETTINGS } from './session-settings.ts';
import { AS_LOGIN, microseconds } from './sql.ts';

/** A container that still starts; a paused serverless cluster, which takes about half a minute to wake. */
const DEFAULT_CONNECT_BUDGET_MS = 60_000;
/** A paused cluster keeps the connection waiting; a lost SYN should be sent again some time. */
const LONGEST_TRY_MS = 35_000;
const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 2_000;

export interface ConnectOptions {
  readonly config: DatabaseConfig;
  readonly clock: Clock;
  /** Seen in pg_stat_activity; carries run and token. */
  readonly applicationName: string;
  readonly signal?: AbortSignal | undefined;
  readonly onRetry?: ((attempt: number, reason: string) => void) | undefined;
}

/** Throws LS301 when the budget is used up, LS302, LS303, LS306 or LS308 when the server says no, LS605. */
export async function connect(options: ConnectOptions): Promise<Session> {
  const { config, clock, signal, onRetry } = options;
  const budgetMs = config.connectBudgetMs ?? DEFAULT_CONNECT_BUDGET_MS;
  const startedMs = clock.nowMs();
  let pauseMs = FIRST_PAUSE_MS;
  for (let attempt = 1; ; attempt += 1) {
    signal?.throwIfAborted();
    const leftMs = budgetMs - (clock.nowMs() - startedMs);
    try {
      return await open(options, Math.max(1, Math.min(leftMs, LONGEST_TRY_MS)));
    } catch (error) {
      if (!isTransient(error)) throw refusal(error, config);
      const reason =
        error instanceof Error
          ? error.message || (error as NodeJS.ErrnoException).code || error.name
          : String(error);
      if (clock.nowMs() - startedMs + pauseMs >= budgetMs) throw unreachable(config, budgetMs, reason, error);
      onRetry?.(attempt, reason);
      await clock.sleep(pauseMs * (0.5 + clock.random()), signal);
      pauseMs = Math.min(LONGEST_PAUSE_MS, pauseMs * 2);
    }
  }
}

async function open({ config, applicationName }: ConnectOptions, timeoutMs: number): Promise<Session> {
  const client = new pg.Client({
    ...(await clientConfig(config)),
    application_name: applicationName,
    connectionTimeoutMillis: timeoutMs,
    keepAlive: true,
    keepAliveInitialDelayMillis: 10_000,
  });
  const session = new Session(client, config);
  session.applicationName = applicationName;
  try {
    await client.connect();
    session.begin(await hello(session));
    return session;
  } catch (error) {
    await client.end().catch(() => undefined);
    throw error;
  }
}

/** As the login, with the role that it acts as carried over in a setting that lasts no longer than the message. */
const HELLO = `SELECT pg_catalog.set_config('lockstep.acting_as', current_user, true); ${AS_LOGIN};
  SELECT pg_catalog.pg_backend_pid() AS pid,
  (SELECT ${microseconds('a.backend_start')} FROM pg_catalog.pg_stat_get_activity(pg_catalog.pg_backend_pid()) a) AS backend_start,
  pg_catalog.current_setting('search_path') AS search_path,
  pg_catalog.pg_is_in_recovery() OR pg_catalog.current_setting('transaction_read_only') = 'on' AS read_only,
  session_user AS "user", pg_catalog.current_setting('lockstep.acting_as') AS acting_as, pg_catalog.current_database() AS database,
  pg_catalog.current_setting('server_version_num') AS server_version`;

async function hello(session: Session): Promise<SessionFacts> {
  // Two messages: the login's own search_path must be read before it is replaced.
  const [row] = await session.run(HELLO);
  refuseOldServer(Number(row!.server_version));
  await session.run(SESSION_SETTINGS);
  return {
    pid: Number(row!.pid),
    backendStart: row!.backend_start ?? '',
    searchPath: row!.search_path ?? '',
    readOnly: row!.read_only === 't',
    user: row!.user ?? '',
    actingAs: row!.acting_as ?? '',
    database: row!.database ?? '',
    serverVersion: Number(row!.server_version),
  };
}

/** The oldest that has idle_session_timeout, which frees the lock of a client that is frozen. */
const LEAST_SERVER_VERSION = 140_000;

function refuseOldServer(version: number): void {
  if (version >= LEAST_SERVER_VERSION) return;
  throw new LockstepError('LS309', {
    what: `The server is PostgreSQL ${Math.floor(version / 10_000)}; Lockstep needs 14 or newer.`,
    state: NOTHING_CHANGED,
    remedy: 'Upgrade the server.',
    context: { serverVersion: version },
  });
}

/** 57P03: still starting, or shutting down for a fail-over; 53300: too many connections just now. */
const TRANSIENT_SQLSTATES = new Set(['57P03', '57P01', '57P02', '53300']);

function isTransient(error: unknown): boolean {
  if (error instanceof LockstepError) return error.code === 'LS301';
  if (error instanceof pg.DatabaseError) return TRANSIENT_SQLSTATES.has(error.code ?? '');
  return !isTlsProblem(error) && !isNoAnswerToTls(error);
}

const isTlsProblem = (error: unknown): boolean => {
  const code = (error as NodeJS.ErrnoException | undefined)?.code ?? '';
  return /^(ERR_TLS|ERR_SSL|CERT_|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO)/.test(code);
};
/** node-pg's own sentence when the server answers N to SSLRequest. */
const isNoAnswerToTls = (error: unknown): boolean =>
  error instanceof Error && error.message.includes('does not support SSL connections');

function refusal(error: unknown, config: DatabaseConfig): LockstepError {
  if (isNoAnswerToTls(error) || isTlsProblem(error)) {
    const message = (error as Error).message;
    return new LockstepError('LS303', {
      what: `No verified TLS connection to ${config.host}: ${message}.`,
      state: NOTHING_CHANGED,
      remedy: isNoAnswerToTls(error)
        ? 'Turn TLS on in the server, or, on a network that you trust, add sslmode=disable to the URL.'
        : "Give the CA that signed the server's certificate with sslrootcert=FILE.",
      cause: error,
    });
  }
  return databaseError(error);
}

function unreachable(
  config: DatabaseConfig,
  budgetMs: number,
  reason: string,
  cause: unknown,
): LockstepError {
  return new LockstepError('LS301', {
    what: `No answer from ${config.host}:${config.port} within ${Math.round(budgetMs / 100) / 10} s: ${reason}.`,
    state: NOTHING_CHANGED,
    remedy: 'Check address, port, network and security groups, and whether the server runs.',
    cause,
  });
}
