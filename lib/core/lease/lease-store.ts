/** The lease port. Adapters: DynamoLeaseStore, PostgresLeaseStore, MemoryLeaseStore; one conformance suite. */

export interface LeaseRecord {
  /** The database that is guarded, e.g. `orders-production`. */
  readonly target: string;
  readonly state: 'FREE' | 'HELD';
  /** Execution ARN, or host:pid:uuid. Empty when FREE. */
  readonly holder: string;
  /** New with every write; opaque. */
  readonly recordVersion: string;
  readonly durationMs: number;
  /** Fencing token minted last; 0 before the first. */
  readonly token: number;
}

/** What a holder has in hand. Values are replaced, not changed: every operation returns the next one. */
export interface Lease {
  readonly target: string;
  readonly holder: string;
  readonly durationMs: number;
  /** The token of this attempt; 0 until `mint`. */
  readonly token: number;
}

export interface AcquireRequest {
  readonly target: string;
  readonly holder: string;
  readonly durationMs: number;
  /** Take the lease from its holder, on condition that the record still has this version. */
  readonly takeOver?: string | undefined;
}

export type AcquireResult =
  | { readonly kind: 'acquired'; readonly lease: Lease; readonly tookOverFrom?: string | undefined }
  | { readonly kind: 'held'; readonly record: LeaseRecord };

export interface LeaseStore {
  /** Undefined when nobody ever acquired the target. Throws LS404. */
  read(target: string): Promise<LeaseRecord | undefined>;
  /**
   * One try, without waiting. Acquired when absent, FREE, already held by the same holder, or `takeOver` names
   * the current version. Throws LS404.
   */
  tryAcquire(request: AcquireRequest): Promise<AcquireResult>;
  /**
   * A token for this attempt: greater than every token minted before and than `floor`, on condition that the
   * holder still holds (and, when the lease has a token already, that it is still the newest).
   * Throws LS402, LS404, and what it is to make the ledger and to enter it, where the lease is in there.
   */
  mint(lease: Lease, floor?: number): Promise<Lease>;
  /** Shows that the holder lives, on condition that it still holds with this token. Throws LS402, LS404. */
  renew(lease: Lease): Promise<void>;
  /** Frees the lease if this holder holds it with this token (or has not minted one); else changes nothing. Throws LS404. */
  release(lease: Lease): Promise<'released' | 'not-held'>;
  /**
   * From now on `told` is called when somebody released the lease, by a store that hears of it: a hint, which may come
   * late, twice, without a release, or never. False: it hears of none.
   */
  onRelease?(told: () => void): boolean;
  /** An operator frees the lease whoever holds it; the record as it was before. Throws LS404. */
  forceRelease(target: string): Promise<LeaseRecord | undefined>;
}
