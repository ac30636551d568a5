import type { Socket } from 'node:net';
import pg from 'pg';
import type { DatabaseConfig } from './config.ts';
import { connectionLost, databaseError } from './database-error.ts';
import { ledgerGrant, withGrant } from './denied.ts';
import { setAll, setLocal, setMessage } from './session-settings.ts';
import { literal } from './sql.ts';

/** What the server said about itself and the login when the session began. */
export interface SessionFacts {
  readonly pid: number;
  /** pg_stat_activity.backend_start in microseconds since 1970: with the pid it identifies a session for ever. */
  readonly backendStart: string;
  /** The login's own search_path, which migrations run under. */
  readonly searchPath: string;
  readonly readOnly: boolean;
  readonly user: string;
  /** Who the login acts as: another role, if ALTER ROLE … SET role says so. */
  readonly actingAs: string;
  readonly database: string;
  readonly serverVersion: number;
  /** Names of the settings that were made when it began. */
  readonly settings: readonly string[];
}

/** What of a session is in the messages that are sent over it. */
export interface Sender {
  readonly facts: SessionFacts;
  readonly applicationName: string;
}

export type Row = Record<string, string | null>;

/**
 * One server session. All SQL goes through the simple protocol: several statements in one message cost one
 * round trip. Values come back as the server's text.
 */
export class Session {
  readonly #client: pg.Client;
  readonly config: DatabaseConfig;
  #facts: SessionFacts | undefined;
  /** Begins each message to a session that may be somebody else's in the next one; empty for one that is ours. */
  #preamble = '';
  /** Ours for now, and set for us. */
  #isBorrowed = false;
  readonly #lost = new AbortController();
  #busy = 0;
  #sent = 0;
  #idle: Promise<unknown> = Promise.resolve();
  #commandsDone: string[] = [];
  /** As it is set now; what a migration may have changed is put back to it. */
  applicationName = '';

  constructor(client: pg.Client, config: DatabaseConfig) {
    this.#client = client;
    this.config = config;
    client.on('error', (error) => this.#lose(error));
    client.on('end', () => this.#lose(new Error('the server closed the connection')));
    // Which statement of a message failed is told by those that were completed before.
    (client as unknown as { connection: NodeJS.EventEmitter }).connection
      .on('commandComplete', ({ text }: { text: string }) => {
        this.#commandsDone.push(text);
      })
      // With the error, because that of a message that was sent ahead may come before this one is looked at.
      .on('errorMessage', (error: pg.DatabaseError) => {
        Object.defineProperty(error, 'commandsDone', { value: this.#commandsDone });
      })
      // The end of the message, whether it went well or not.
      .on('readyForQuery', () => {
        this.#commandsDone = [];
      });
  }

  get facts(): SessionFacts {
    if (!this.#facts) throw new Error('the session has not begun');
    return this.#facts;
  }

  begin(facts: SessionFacts): void {
    this.#facts = facts;
    if (!this.isDirect) this.#preamble = setMessage(facts.settings);
  }

  /** As it was said at the login; 0 if none was. A pooler gives each of its clients one that it made up. */
  get saidPid(): number {
    return (this.#client as unknown as { processID: number | null }).processID ?? 0;
  }

  /** Whether the server itself answered. */
  get isDirect(): boolean {
    return this.saidPid === this.facts.pid;
  }

  /** Told the channel of each that comes; see LISTEN. */
  onNotification(told: (channel: string) => void): void {
    this.#client.on('notification', ({ channel }) => told(channel));
  }

  /** From now on, for as long as the session is ours. */
  async set(name: string, value: string): Promise<void> {
    if (this.#preamble === '') await this.query(`SET ${name} = ${literal(value)}`);
    else this.#preamble += `, ${setLocal(name, value)}`;
  }

  /** It has the lock, and is the same in two messages: a pooler keeps it for us until it ends. */
  async settle(applicationName: string): Promise<void> {
    if (this.#preamble === '') return;
    this.#preamble = '';
    this.#isBorrowed = true;
    await this.query(`${setAll(this.facts.settings)}; SET application_name = ${literal(applicationName)}`);
  }

  get busy(): boolean {
    return this.#busy > 0;
  }

  /** The number of the first message that the server has not answered yet; undefined while there is none. */
  get inFlight(): number | undefined {
    return this.busy ? this.#sent - this.#busy + 1 : undefined;
  }

  /** Resolves when what runs at the time of the call has ended, well or not. */
  whenIdle(): Promise<unknown> {
    return this.#idle;
  }

  /** Aborts, with an LS301, as soon as it is known that the session is gone. */
  get lost(): AbortSignal {
    return this.#lost.signal;
  }

  get isLost(): boolean {
    return this.lost.aborted;
  }

  /** What is sent in it, without waiting for anything, is one write: it costs more than a message itself. */
  together<T>(send: () => T): T {
    const { stream } = (this.#client as unknown as { connection: { stream: Socket } }).connection;
    stream.cork();
    try {
      return send();
    } finally {
      stream.uncork();
    }
  }

  /** Rows of the last statement in the message. Throws LS3xx / LS4xx; see database-error.ts. */
  async query(sql: string): Promise<Row[]> {
    try {
      return await this.run(sql);
    } catch (error) {
      throw databaseError(error);
    }
  }

  /** The same for the ledger; undefined when there is none yet. */
  async queryLedger(sql: string): Promise<Row[] | undefined> {
    try {
      return await this.run(sql);
    } catch (error) {
      if (error instanceof pg.DatabaseError && NO_LEDGER.has(error.code ?? '')) return undefined;
      throw withGrant(databaseError(error), ledgerGrant(this.facts));
    }
  }

  /**
   * The same, but a server's error is thrown as it is (pg.DatabaseError), with `commandsDone`, the tags of the
   * statements of the message that were completed before it. A lost connection is LS301.
   */
  async run(sql: string): Promise<Row[]> {
    this.lost.throwIfAborted();
    this.#busy += 1;
    this.#sent += 1;
    try {
      const text = this.#preamble === '' ? sql : `${this.#preamble}; ${sql}`;
      const answered = this.#send(text);
      this.#idle = answered.catch(() => undefined);
      return (await answered)?.rows ?? [];
    } catch (error) {
      if (!(error instanceof pg.DatabaseError)) throw connectionLost(error);
      throw withoutRowData(error);
    } finally {
      this.#busy -= 1;
    }
  }

  /**
   * The result of the last statement. Asked for with a callback: what node-postgres (8.23) promises survives V8's young
   * generation together with the message and its results, and a thousand migrations of 4 KB took 50 MB more.
   */
  #send(text: string): Promise<pg.QueryResult<Row> | undefined> {
    return new Promise((resolve, reject) => {
      this.#client.query({ text, types: TEXT_TYPES }, (error: unknown, result: unknown) => {
        if (error) reject(error);
        else resolve((Array.isArray(result) ? result.at(-1) : result) as pg.QueryResult<Row> | undefined);
      });
    });
  }

  /** Ends the session; never throws: it may be lost already, or the other side may never hear of it. True: and has its locks free. */
  async end(isWaitedFor = !this.config.leavesAtOnce): Promise<void> {
    if (this.isLost) return;
    // What runs yet is not waited for.
    if (this.busy) return this.destroy();
    const impatient = setTimeout(() => this.destroy(), ENDING_TAKES_MS);
    // Whoever gets it next finds it as the login does.
    if (this.#isBorrowed) await this.#client.query('RESET ALL').catch(() => undefined);
    const ended = this.#client.end().catch(() => undefined);
    await (isWaitedFor ? ended : Promise.race([ended, this.#saidGoodbye()]));
    clearTimeout(impatient);
  }

  /** What was written is the system's to deliver; the process may end meanwhile. */
  #saidGoodbye(): Promise<void> {
    const { stream } = (this.#client as unknown as { connection: { stream: Socket } }).connection;
    return new Promise((resolve) =>
      stream.once('finish', () => {
        stream.unref();
        resolve();
      }),
    );
  }

  /** Drops the connection without a word to the server, which notices by itself. */
  destroy(why = 'it was dropped'): void {
    this.#lose(new Error(why));
    (this.#client as unknown as { connection: { stream: { destroy(): void } } }).connection.stream.destroy();
  }

  /** The first reason counts. */
  #lose(error: Error): void {
    if (!this.isLost) this.#lost.abort(connectionLost(error));
  }
}

const ENDING_TAKES_MS = 2_000;

/** An error that becomes another one's cause may be printed whole by whoever catches that. */
function withoutRowData(error: pg.DatabaseError): pg.DatabaseError {
  for (const field of ['detail', 'hint', 'where', 'internalQuery'] as const) delete error[field];
  return error;
}

/** Undefined schema, undefined table. */
const NO_LEDGER = new Set(['3F000', '42P01']);

/** Every value as text: bigint tokens and timestamps keep all their digits. */
const TEXT_TYPES = { getTypeParser: () => (value: unknown) => value } as unknown as pg.CustomTypesConfig;
