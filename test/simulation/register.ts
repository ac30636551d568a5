/** The lease item, over a network that delays, loses and repeats requests and replies. */
import { LockstepError } from '../../lib/core/errors/index.ts';
import type { LeaseRecord, LeaseRegister } from '../../lib/core/lease/index.ts';
import type { Host } from './host.ts';

const LATEST_MS = 12_000;

/** What all hosts share. */
export class LeaseItem {
  record: LeaseRecord | undefined;
  /** Of every record that was written. */
  readonly tokens: number[] = [];

  write(next: LeaseRecord, expectedVersion: string | undefined): 'written' | 'conflict' {
    if (this.record?.recordVersion !== expectedVersion) return 'conflict';
    this.record = next;
    this.tokens.push(next.token);
    return 'written';
  }

  delete(): void {
    this.record = undefined;
  }
}

export class FaultyRegister implements LeaseRegister {
  readonly #item: LeaseItem;
  readonly #host: Host;

  constructor(item: LeaseItem, host: Host) {
    this.#item = item;
    this.#host = host;
  }

  read(): Promise<LeaseRecord | undefined> {
    return this.#request(() => this.#item.record);
  }

  write(next: LeaseRecord, expectedVersion: string | undefined): Promise<'written' | 'conflict'> {
    return this.#request(() => this.#item.write(next, expectedVersion));
  }

  async #request<T>(work: () => T): Promise<T> {
    const host = this.#host;
    const { lost } = host.faults;
    await host.travel();
    if (host.chance(lost)) {
      // It may arrive all the same, when nobody expects it any more.
      if (host.random() < 0.5) void this.#later(work);
      await this.#fail();
    }
    const reply = work();
    if (host.chance(lost)) void this.#later(work);
    await host.travel();
    await host.arrive();
    if (host.chance(lost)) await this.#fail();
    return reply;
  }

  async #later(work: () => unknown): Promise<void> {
    await this.#host.time.sleep(Math.ceil(this.#host.random() * LATEST_MS));
    work();
  }

  async #fail(): Promise<never> {
    await this.#host.arrive();
    throw new LockstepError('LS404', { what: 'Lost.', state: 'Nothing.', remedy: 'Again.' });
  }
}
