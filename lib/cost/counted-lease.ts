/** The lease as its own code keeps it, over a register that counts what DynamoDB would charge for. */
import { CasLeaseStore, type LeaseRecord, type LeaseRegister, RENEW_EVERY } from '../core/lease/index.ts';

const TARGET = 'orders';

/** An item is far smaller than the 1 KB of a write unit and the 4 KB of a (consistent) read unit. */
class CountingRegister implements LeaseRegister {
  reads = 0;
  writes = 0;
  record: LeaseRecord | undefined;

  async read(): Promise<LeaseRecord | undefined> {
    this.reads++;
    return this.record;
  }

  async write(next: LeaseRecord): Promise<'written'> {
    this.writes++;
    this.record = next;
    return 'written';
  }
}

export class CountedLease {
  readonly #register = new CountingRegister();
  readonly #store: CasLeaseStore;
  readonly #durationMs: number;
  #version = 0;

  constructor(durationSeconds: number) {
    this.#durationMs = durationSeconds * 1000;
    this.#store = new CasLeaseStore(this.#register, () => this.#newVersion());
  }

  get counts(): { readonly reads: number; readonly writes: number } {
    const { reads, writes } = this.#register;
    return { reads, writes };
  }

  /** Another run has it and renews it; that costs this run nothing. */
  heldByOther(): void {
    const record = {
      target: TARGET,
      holder: 'other',
      state: 'HELD',
      durationMs: this.#durationMs,
      token: 1,
    } as const;
    this.#register.record = { ...record, recordVersion: this.#newVersion() };
  }

  freedByOther(): void {
    this.#register.record = undefined;
  }

  tryAcquire(takeOver: string | undefined, durationSeconds = this.#durationMs / 1000) {
    return this.#store.tryAcquire({
      target: TARGET,
      holder: 'run',
      durationMs: durationSeconds * 1000,
      takeOver,
    });
  }

  /** What an attempt does around its SQL: looks whether the run holds the lease, mints, and renews while SQL runs. */
  async attempt(seconds: number): Promise<void> {
    const { durationMs } = await this.#held();
    const lease = await this.#store.mint({ target: TARGET, holder: 'run', durationMs, token: 0 });
    for (let left = renewalsIn(seconds, durationMs / 1000); left > 0; left--) await this.#store.renew(lease);
  }

  /** For a task that has to start first: looks again, and acquires what it holds for longer. */
  async lengthen(durationSeconds: number): Promise<void> {
    await this.#held();
    await this.tryAcquire(undefined, durationSeconds);
  }

  async release(): Promise<void> {
    await this.#store.release({ target: TARGET, holder: 'run', durationMs: 0, token: 0 });
  }

  async #held(): Promise<LeaseRecord> {
    const record = await this.#store.read(TARGET);
    if (record?.holder !== 'run') throw new Error('An attempt is made without the lease');
    return record;
  }

  #newVersion(): string {
    return String(++this.#version);
  }
}

/** The first one is made at once. */
export const renewalsIn = (seconds: number, durationSeconds: number): number =>
  Math.max(1, Math.ceil(seconds / (durationSeconds * RENEW_EVERY)));
