/** Opening a session: retried within a budget while the server is not there yet, never when it says no. */
import './scram.ts';
import pg from 'pg';
import { type Clock, sleepOrAbort, within } from '../../core/clock.ts';
import { LockstepError, NOTHING_CHANGED } from '../../core/errors/index.ts';
import { clientConfig } from './client-config.ts';
import type { DatabaseConfig } from './config.ts';
import { isTransient, reasonOf, refusal, unreachable } from './connect-error.ts';
import { Session, type SessionFacts } from './session.ts';
import { setSession, settingsIn } from './session-settings.ts';
import { microseconds } from './sql.ts';

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
  /**
   * Told of each session that logged in, when the first message is sent: what is sent now is answered together with it. The
   * session is not known yet. Behind a pooler it may be somebody else's by then, and lacks its settings in any case: only to
   * look, and what was seen counts only if the session turns out to be direct.
   */
  readonly onLogin?: ((session: Session) => void) | undefined;
}

/** Throws LS301 when the budget is used up, LS302, LS303, LS306, LS308 or LS309 when the server says no, the signal's reason. */
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
      signal?.throwIfAborted();
      if (!isTransient(error)) throw refusal(error, config);
      if (clock.nowMs() - startedMs + pauseMs >= budgetMs) throw unreachable(config, budgetMs, error);
      onRetry?.(attempt, reasonOf(error));
      const sleepMs = pauseMs * (0.5 + clock.random());
      await (signal ? sleepOrAbort(clock, sleepMs, signal) : clock.sleep(sleepMs));
      pauseMs = Math.min(LONGEST_PAUSE_MS, pauseMs * 2);
    }
  }
}

async function open(
  { config, clock, applicationName, signal, onLogin }: ConnectOptions,
  timeoutMs: number,
): Promise<Session> {
  const client = new pg.Client({
    ...(await orAborted(clientConfig(config), signal)),
    application_name: applicationName,
    // A message is written when it is given to it, also before the one before is answered: see engine/ahead.ts.
    pipeline: true,
    connectionTimeoutMillis: timeoutMs,
    keepAlive: true,
    keepAliveInitialDelayMillis: 10_000,
  });
  const session = new Session(client, config);
  session.applicationName = applicationName;
  try {
    const begun = client.connect().then(async () => {
      const saying = session.together(() => {
        const answer = hello(session);
        onLogin?.(session);
        return answer;
      });
      session.begin(await saying);
    });
    // A pooler that is full or paused lets its clients log in, and their first query waits.
    const answer = await orAborted(within(clock, timeoutMs, begun), signal);
    if (answer === 'late') throw NO_ANSWER;
    return session;
  } catch (error) {
    if (signal?.aborted || error === NO_ANSWER) session.destroy();
    else await session.end();
    throw error;
  }
}

const NO_ANSWER = new Error('it lets one log in, and does not answer');

/** A server that accepts and does not answer, or a password that does not come, would hold up whoever gives up. */
async function orAborted<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (!signal) return work;
  let giveUp: () => void = () => undefined;
  const aborted = new Promise<never>((_, reject) => {
    giveUp = () => reject(signal.reason);
    signal.addEventListener('abort', giveUp);
  });
  try {
    return await Promise.race([work, aborted]);
  } finally {
    signal.removeEventListener('abort', giveUp);
  }
}

/**
 * One statement: columns are evaluated in their order. What the login found is read before it is replaced; its own
 * session is looked at as the login, to which a role that it acts as may not belong. Names and operators are looked
 * up in the login's way, and so all are qualified.
 */
const helloTo = (
  pid: number,
) => `SELECT current_user AS acting_as, session_user AS "user", pg_catalog.current_database() AS database,
  pg_catalog.current_setting('search_path') AS search_path,
  pg_catalog.pg_is_in_recovery() OR pg_catalog.current_setting('transaction_read_only') OPERATOR(pg_catalog.=) 'on' AS read_only,
  pg_catalog.current_setting('server_version_num') AS server_version, pg_catalog.pg_backend_pid() AS pid,
  pg_catalog.set_config('role', 'none', true),
  (SELECT ${microseconds('a.backend_start')} FROM pg_catalog.pg_stat_get_activity(pg_catalog.pg_backend_pid()) a) AS backend_start,
  ${setSession(`pg_catalog.pg_backend_pid() OPERATOR(pg_catalog.<>) ${pid}`)}`;

async function hello(session: Session): Promise<SessionFacts> {
  const [row] = await session.run(helloTo(session.saidPid));
  refuseOldServer(Number(row!.server_version));
  return {
    pid: Number(row!.pid),
    backendStart: row!.backend_start ?? '',
    searchPath: row!.search_path ?? '',
    readOnly: row!.read_only === 't',
    user: row!.user ?? '',
    actingAs: row!.acting_as ?? '',
    database: row!.database ?? '',
    serverVersion: Number(row!.server_version),
    settings: settingsIn(row!),
  };
}

/** The oldest that has idle_session_timeout, which frees the lock of a client that is frozen. */
const LEAST_SERVER_VERSION = 140_000;

export function refuseOldServer(version: number): void {
  if (version >= LEAST_SERVER_VERSION) return;
  throw new LockstepError('LS309', {
    what: `The server is PostgreSQL ${Math.floor(version / 10_000)}; Lockstep needs 14 or newer.`,
    state: NOTHING_CHANGED,
    remedy: 'Upgrade the server.',
    context: { serverVersion: version },
  });
}
