/**
 * The lease over a compare-and-set register, for every store that can write on condition: read, decide, write
 * on condition that nobody wrote in between, else decide again.
 *
 * A reply can be lost after the write was done, and a client that retries by itself then reports a conflict
 * with its own write. So whatever a write reports, a record that bears the version sent was written by it.
 * A write that failed and did not arrive may still arrive later; it is harmless then, because each call may be
 * made again: an acquire, a renewal and a release have the same effect twice, a token that nobody got is skipped.
 */
import { leaseLost, leaseTooBusy } from './lease-errors.ts';
import type { AcquireRequest, AcquireResult, Lease, LeaseRecord, LeaseStore } from './lease-store.ts';
import * as transitions from './transitions.ts';

/** Where records are kept; one per target. */
export interface LeaseRegister {
  /** A consistent read. Throws LS404. */
  read(target: string): Promise<LeaseRecord | undefined>;
  /**
   * Stores `next` on condition that the stored record has `expectedVersion` (undefined: that there is none).
   * Throws LS404, and then the record may have been written all the same.
   */
  write(next: LeaseRecord, expectedVersion: string | undefined): Promise<'written' | 'conflict'>;
}

/** Each lost try means that somebody else wrote; only attempts of one holder can do that in a row. */
const MAX_TRIES = 10;

type Change<Found> =
  | { readonly kind: 'written'; readonly before: LeaseRecord | undefined; readonly after: LeaseRecord }
  | { readonly kind: 'refused'; readonly found: Found };

export class CasLeaseStore implements LeaseStore {
  readonly #register: LeaseRegister;
  readonly #newVersion: () => string;

  /** `newVersion`: a string that it never returned before and no other process ever will, such as a random UUID. */
  constructor(register: LeaseRegister, newVersion: () => string) {
    this.#register = register;
    this.#newVersion = newVersion;
  }

  read(target: string): Promise<LeaseRecord | undefined> {
    return this.#register.read(target);
  }

  async tryAcquire(request: AcquireRequest): Promise<AcquireResult> {
    const change = await this.#change(request.target, (record, version) =>
      transitions.acquire(record, request, version),
    );
    if (change.kind === 'refused') return { kind: 'held', record: change.found };
    const { target, holder, durationMs } = request;
    const lease: Lease = { target, holder, durationMs, token: 0 };
    const { before } = change;
    const tookOver = before?.state === 'HELD' && before.holder !== holder;
    return { kind: 'acquired', lease, ...(tookOver ? { tookOverFrom: before.holder } : {}) };
  }

  async mint(lease: Lease, floor = 0): Promise<Lease> {
    const change = await this.#change(lease.target, (record, version) =>
      transitions.mint(record, lease, floor, version),
    );
    if (change.kind === 'refused') throw leaseLost(lease, change.found);
    return { ...lease, token: change.after.token };
  }

  async renew(lease: Lease): Promise<void> {
    const change = await this.#change(lease.target, (record, version) =>
      transitions.renew(record, lease, version),
    );
    if (change.kind === 'refused') throw leaseLost(lease, change.found);
  }

  async release(lease: Lease): Promise<'released' | 'not-held'> {
    const change = await this.#change(lease.target, (record, version) =>
      transitions.release(record, lease, version),
    );
    return change.kind === 'written' ? 'released' : 'not-held';
  }

  async forceRelease(target: string): Promise<LeaseRecord | undefined> {
    const change = await this.#change(target, transitions.forceRelease);
    return change.kind === 'written' ? change.before : change.found;
  }

  async #change<Found>(
    target: string,
    decide: (record: LeaseRecord | undefined, version: string) => transitions.Transition<Found>,
  ): Promise<Change<Found>> {
    let record = await this.#register.read(target);
    for (let tries = 0; tries < MAX_TRIES; tries++) {
      const decision = decide(record, this.#newVersion());
      if (decision.kind === 'refuse') return { kind: 'refused', found: decision.found };
      const { next } = decision;
      const outcome = await this.#write(next, record?.recordVersion);
      if (outcome.kind === 'written') return { kind: 'written', before: record, after: next };
      record = outcome.found;
    }
    throw leaseTooBusy(target, MAX_TRIES);
  }

  async #write(
    next: LeaseRecord,
    expectedVersion: string | undefined,
  ): Promise<{ kind: 'written' } | { kind: 'conflict'; found: LeaseRecord | undefined }> {
    const reply = await this.#register.write(next, expectedVersion).catch((error: unknown) => ({ error }));
    if (reply === 'written') return { kind: 'written' };
    const found = await this.#register.read(next.target);
    if (found?.recordVersion === next.recordVersion) return { kind: 'written' };
    if (reply !== 'conflict') throw reply.error;
    return { kind: 'conflict', found };
  }
}
