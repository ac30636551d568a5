/**
 * The lease in one process's memory: for tests, and for a run that has nobody to compete with. It has the
 * register's semantics and no more: what a table can do to a request (delay it, lose it, lose its reply) is
 * done by hooks, so that a test decides about every fault.
 */
import { randomUUID } from 'node:crypto';
import { CasLeaseStore, type LeaseRecord, type LeaseRegister } from '../../core/lease/index.ts';

/** Awaited around each operation. One that throws before loses the request; after, the reply. */
export interface MemoryHooks {
  readonly before?: (operation: MemoryOperation) => Promise<void>;
  readonly after?: (operation: MemoryOperation) => Promise<void>;
}
export type MemoryOperation =
  | { readonly kind: 'read' }
  | { readonly kind: 'write'; readonly next: LeaseRecord };

/** Shared by all participants. */
export type MemoryRecords = Map<string, LeaseRecord>;

export class MemoryLeaseRegister implements LeaseRegister {
  readonly #records: MemoryRecords;
  readonly #hooks: MemoryHooks;

  constructor(records: MemoryRecords, hooks: MemoryHooks = {}) {
    this.#records = records;
    this.#hooks = hooks;
  }

  async read(target: string): Promise<LeaseRecord | undefined> {
    await this.#hooks.before?.({ kind: 'read' });
    const record = this.#records.get(target);
    await this.#hooks.after?.({ kind: 'read' });
    return record;
  }

  async write(next: LeaseRecord, expectedVersion: string | undefined): Promise<'written' | 'conflict'> {
    await this.#hooks.before?.({ kind: 'write', next });
    const matches = this.#records.get(next.target)?.recordVersion === expectedVersion;
    if (matches) this.#records.set(next.target, next);
    await this.#hooks.after?.({ kind: 'write', next });
    return matches ? 'written' : 'conflict';
  }
}

export class MemoryLeaseStore extends CasLeaseStore {
  constructor(records: MemoryRecords = new Map(), hooks: MemoryHooks = {}) {
    super(new MemoryLeaseRegister(records, hooks), randomUUID);
  }
}
