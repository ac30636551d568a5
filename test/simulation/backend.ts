/** One session of the server: its transaction, its locks, and what becomes of it when its client is gone. */
import pg from 'pg';
import { tokenOf } from '../../lib/adapters/postgres/index.ts';
import type { Server } from './server.ts';
import { serverError } from './server-error.ts';
import { execute, statementsOf, tagOf } from './statements.ts';

/** client_connection_check_interval, idle_session_timeout, and what keepalives come to. */
const CHECK_MS = 5_000;
const IDLE_MS = 60_000;
const KEEPALIVE_MS = 25_000;

export type Row = Record<string, string | null>;

export interface Answer {
  readonly rows: readonly Row[];
  /** Of the statements that were completed. */
  readonly tags: readonly string[];
  readonly error?: Error;
}

export class Transaction {
  /** Begun by BEGIN, and so not over with its message. */
  readonly isExplicit: boolean;
  readonly writes: (() => void)[] = [];
  /** Ledger and journal rows that are its own. */
  readonly rows = new Set<string>();
  lockTimeoutMs = Number.POSITIVE_INFINITY;
  /** The migration whose SQL it ran. */
  worksOn: string | undefined;

  constructor(isExplicit: boolean) {
    this.isExplicit = isExplicit;
  }
}

export class Backend {
  readonly server: Server;
  readonly pid: number;
  readonly startedMs: number;
  applicationName: string;
  state: 'idle' | 'active' | 'idle in transaction' = 'idle';
  stateChangeMs: number;
  transaction: Transaction | undefined;
  /** How often it has the advisory lock. */
  locks = 0;
  command: string | null = null;
  isBlocked = false;
  /** The migration's own SQL is running, or is not committed. */
  isAtWork = false;
  isEnded = false;
  listens = false;
  /** Tells its client of a NOTIFY. */
  onWord: (channel: string) => void = () => undefined;
  #clientIsGone = false;
  #stop = new AbortController();
  /** Messages that have come and are not begun, and the end of the last of them. */
  #waiting = 0;
  #last: Promise<unknown> = Promise.resolve();
  readonly #onEnd: () => void;

  constructor(server: Server, pid: number, applicationName: string, onEnd: () => void) {
    this.server = server;
    this.pid = pid;
    this.applicationName = applicationName;
    this.#onEnd = onEnd;
    this.startedMs = server.time.nowMs();
    this.stateChangeMs = this.startedMs;
    void this.#endWhenIdleForLong();
  }

  /** Microseconds; with the pid it identifies a session. */
  get backendStart(): string {
    return String(Math.round(this.startedMs * 1000));
  }

  get open(): Transaction {
    this.transaction ??= new Transaction(false);
    return this.transaction;
  }

  /** One after the other. */
  run(text: string): Promise<Answer> {
    this.#waiting += 1;
    const answer = this.#last.then(() => {
      this.#waiting -= 1;
      return this.#run(text);
    });
    this.#last = answer.catch(() => undefined);
    return answer;
  }

  async #run(text: string): Promise<Answer> {
    if (this.isEnded) return { rows: [], tags: [], error: ADMIN_SHUTDOWN() };
    this.server.messages += 1;
    this.#stop = new AbortController();
    this.#become('active');
    const tags: string[] = [];
    try {
      let rows: readonly Row[] = [];
      for (const statement of statementsOf(text)) {
        rows = await execute(this, statement);
        tags.push(tagOf(statement));
      }
      if (!this.transaction?.isExplicit) this.commit();
      return { rows, tags };
    } catch (error) {
      this.rollback();
      if (!(error instanceof pg.DatabaseError)) {
        // The program would take it for a lost connection.
        this.server.broken ??= error;
        throw error;
      }
      return { rows: [], tags, error };
    } finally {
      this.command = null;
      this.#become(this.transaction ? 'idle in transaction' : 'idle');
      // What a client has sent before it left is done all the same.
      if (this.#clientIsGone && this.#waiting === 0) this.end();
    }
  }

  /** Time in which a statement runs. */
  async pause(ms: number): Promise<void> {
    await this.server.time.sleep(ms, this.#stop.signal);
  }

  /** Takes what has to be free, in the moment in which it is. Throws 55P03 after the limit. */
  async take(isFree: () => boolean, take: () => void, limitMs = Number.POSITIVE_INFINITY): Promise<void> {
    if (isFree()) return take();
    const { time } = this.server;
    const over = new AbortController();
    let isLate = false;
    const late = Number.isFinite(limitMs)
      ? time.sleep(limitMs, over.signal).then(() => (isLate = true))
      : NEVER;
    late.catch(() => undefined);
    this.isBlocked = true;
    try {
      while (!isFree()) {
        if (isLate) throw serverError('55P03', 'canceling statement due to lock timeout');
        await Promise.race([this.server.nextChange(), late, aborted(this.#stop.signal)]);
        this.#stop.signal.throwIfAborted();
      }
      take();
    } finally {
      this.isBlocked = false;
      over.abort();
    }
  }

  begin(): void {
    this.transaction = new Transaction(true);
  }

  /** A statement of a migration, of which the effect is there when its transaction is. */
  async work(revision: string): Promise<void> {
    const { server } = this;
    this.begins();
    await this.pause(Math.ceil(server.random() * server.sqlMs));
    if (server.isPoisoned(revision, 'statement')) throw serverError('22012', 'division by zero');
    this.open.worksOn = revision;
    this.open.writes.push(() => {
      const token = this.writes(revision);
      server.database.effects.push({ revision, token });
    });
  }

  /** The migration's own SQL begins; the result ends it, as the end of the transaction does. */
  begins(): () => void {
    const others = [...this.server.backends].filter((other) => other !== this && other.isAtWork);
    if (others.length > 0)
      this.server.violates(
        'I3',
        [this, ...others].map((b) => b.applicationName),
      );
    this.isAtWork = true;
    return () => {
      this.isAtWork = false;
    };
  }

  /** It becomes true now. Gives the token that it was made under. */
  writes(what: string): number {
    const { server, applicationName } = this;
    const token = tokenOf(applicationName) ?? 0;
    const { fence } = server.database;
    if (token < fence.token) server.violates('I4', { what, by: applicationName, fence });
    return token;
  }

  /** What was put off until then may fail. */
  commit(): void {
    if (this.server.isPoisoned(this.transaction?.worksOn, 'COMMIT'))
      throw serverError('23503', 'a key is missing');
    for (const write of this.transaction?.writes ?? []) write();
    this.rollback();
  }

  /** What was not committed is gone, and so are the locks of the transaction. */
  rollback(): void {
    this.transaction = undefined;
    this.isAtWork = false;
    this.server.notify();
  }

  cancel(): void {
    if (this.state === 'active')
      this.#stop.abort(serverError('57014', 'canceling statement due to user request'));
  }

  /** pg_terminate_backend, or the server's own limits. */
  end(): void {
    if (this.isEnded) return;
    this.isEnded = true;
    this.#stop.abort(ADMIN_SHUTDOWN());
    this.transaction = undefined;
    this.isAtWork = false;
    this.locks = 0;
    this.server.backends.delete(this);
    this.#onEnd();
    this.server.notify();
  }

  /** Its socket was closed: seen at once when idle, else at the end of the message or at the next look. */
  async clientLeft(): Promise<void> {
    if (this.#clientIsGone || this.isEnded) return;
    this.#clientIsGone = true;
    if (this.state !== 'active') return this.end();
    await this.server.time.sleep(Math.ceil(this.server.random() * CHECK_MS));
    this.end();
  }

  /** Nothing reaches it any more, and nobody says so. */
  async clientIsSilent(): Promise<void> {
    await this.server.time.sleep(KEEPALIVE_MS);
    this.#clientIsGone = true;
    if (this.state !== 'active') this.end();
  }

  #become(state: Backend['state']): void {
    this.state = state;
    this.stateChangeMs = this.server.time.nowMs();
  }

  async #endWhenIdleForLong(): Promise<void> {
    const { time } = this.server;
    while (!this.isEnded) {
      const leftMs = this.state === 'active' ? IDLE_MS : this.stateChangeMs + IDLE_MS - time.nowMs();
      if (leftMs <= 0) return this.end();
      await time.sleep(leftMs);
    }
  }
}

const ADMIN_SHUTDOWN = (): Error =>
  serverError('57P01', 'terminating connection due to administrator command');
const NEVER = new Promise<never>(() => undefined);
const aborted = (signal: AbortSignal) =>
  new Promise<void>((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
