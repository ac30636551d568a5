/** The driver, as lib/adapters/postgres uses it, over a link of the simulation; it stands in the place of `pg.Client`. */
import { EventEmitter } from 'node:events';
import pg from 'pg';
import type { Answer, Backend } from './backend.ts';
import type { Host } from './host.ts';
import type { Server } from './server.ts';

/** How long an operating system sends a message again that nobody acknowledges. */
const RETRANSMITS_MS = 900_000;

export interface Link {
  readonly host: Host;
  readonly server: Server;
  /** A mutant's: what is sent instead. */
  readonly rewrite?: ((message: string) => string) | undefined;
  /** A mutant's: a lost connection is made again. */
  readonly reconnects?: boolean | undefined;
}

/** By the host's name, which is the server's address for it. */
const LINKS = new Map<string, Link>();

interface Config {
  readonly host: string;
  readonly application_name: string;
}

/** From now on connections to these addresses are simulated; the result takes that back. */
export function simulateLinks(links: readonly Link[]): () => void {
  const { Client } = pg;
  for (const link of links) LINKS.set(link.host.name, link);
  pg.Client = ModelClient as unknown as typeof pg.Client;
  return () => {
    pg.Client = Client;
    for (const { host } of links) LINKS.delete(host.name);
  };
}

class ModelClient extends EventEmitter {
  readonly connection = Object.assign(new EventEmitter(), {
    stream: { destroy: () => this.#drop(), cork: () => undefined, uncork: () => undefined },
  });
  processID: number | null = null;
  readonly #link: Link;
  readonly #applicationName: string;
  #backend: Backend | undefined;
  #isSilent = false;
  #isOver = false;
  /** Messages, and answers, arrive in the order in which they were sent. */
  #sent: Promise<unknown> = Promise.resolve();
  #answered: Promise<unknown> = Promise.resolve();
  #lose: (error: Error) => void = () => undefined;
  #lost: Promise<never>;

  constructor({ host, application_name: applicationName }: Config) {
    super();
    const link = LINKS.get(host);
    if (!link) throw new Error(`no link to ${host}`);
    this.#link = link;
    this.#applicationName = applicationName;
    this.#lost = this.#losable();
  }

  async connect(): Promise<void> {
    const { host } = this.#link;
    await host.travel();
    this.#open();
    await host.travel();
    await host.arrive();
  }

  /** Sent at once, also before the one before is answered: `pipeline` of node-postgres. */
  query({ text }: { text: string }, told: (error: unknown, result?: { rows: Answer['rows'] }) => void): void {
    void this.#send(text).then((result) => told(undefined, result), told);
  }

  async end(): Promise<void> {
    this.#drop();
  }

  #losable(): Promise<never> {
    const lost = new Promise<never>((_, reject) => {
      this.#lose = reject;
    });
    lost.catch(() => undefined);
    return lost;
  }

  #open(): void {
    const { host, server } = this.#link;
    const backend = server.open(this.#applicationName, () => void this.#serverClosed(backend));
    this.#backend = backend;
    backend.onWord = (channel) => void this.#hear(backend, channel);
    this.processID = backend.pid;
    host.onCrash.add(this.#leave);
  }

  readonly #leave = (): void => {
    if (!this.#isSilent) void this.#backend?.clientLeft();
  };

  async #send(text: string): Promise<{ rows: Answer['rows'] }> {
    const { host, rewrite } = this.#link;
    if (this.#isOver) throw new Error('Connection terminated');
    if (host.chance(host.faults.cut)) this.#cut();
    const answer = await Promise.race([this.#ask(rewrite ? rewrite(text) : text), this.#lost]);
    for (const tag of answer.tags) this.connection.emit('commandComplete', { text: tag });
    if (answer.error) this.connection.emit('errorMessage', answer.error);
    this.connection.emit('readyForQuery');
    if (answer.error) throw answer.error;
    return { rows: answer.rows };
  }

  /** On a silent link the message or its reply does not arrive, whichever is later. */
  async #ask(text: string): Promise<Answer> {
    const { host } = this.#link;
    const wasCut = this.#isSilent;
    this.#sent = Promise.all([this.#sent, host.travel()]);
    await this.#sent;
    const backend = this.#backend!;
    if (wasCut && host.random() < 0.5) return this.#nothing();
    const answer = await backend.run(text);
    if (this.#isSilent) return this.#nothing();
    this.#answered = Promise.all([this.#answered, host.travel()]).then(() => host.arrive());
    await this.#answered;
    return answer;
  }

  async #nothing(): Promise<Answer> {
    const { host } = this.#link;
    await host.time.sleep(RETRANSMITS_MS);
    await host.arrive();
    this.#fail(new Error('read ETIMEDOUT'));
    return this.#lost;
  }

  /** Half of the time nobody is told; and a mutant has made another connection by the time it sends. */
  #cut(): void {
    const { host, reconnects } = this.#link;
    if (reconnects) {
      void this.#backend?.clientLeft();
      this.#open();
      return;
    }
    if (host.random() < 0.5) {
      this.#isSilent = true;
      void this.#backend?.clientIsSilent();
      return;
    }
    void this.#backend?.clientLeft();
    void host
      .travel()
      .then(() => host.arrive())
      .then(() => this.#fail(new Error('read ECONNRESET')));
  }

  /** It is not told in the order of answers: what comes early is as good as what comes without a reason. */
  async #hear(backend: Backend, channel: string): Promise<void> {
    const { host } = this.#link;
    if (this.#isSilent) return;
    await host.travel();
    await host.arrive();
    if (backend === this.#backend && !this.#isOver) this.emit('notification', { channel });
  }

  async #serverClosed(backend: Backend): Promise<void> {
    const { host } = this.#link;
    host.onCrash.delete(this.#leave);
    if (this.#isSilent) return;
    await host.travel();
    await host.arrive();
    if (backend === this.#backend) this.#fail(new Error('Connection terminated unexpectedly'));
  }

  #fail(error: Error): void {
    if (this.#isOver) return;
    if (this.#link.reconnects) {
      this.#lose(error);
      this.#lost = this.#losable();
      this.#isSilent = false;
      this.#open();
      return;
    }
    this.#isOver = true;
    this.#lose(error);
    this.emit('error', error);
  }

  #drop(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#lose(new Error('Connection terminated'));
    this.#leave();
    this.#link.host.onCrash.delete(this.#leave);
  }
}
