/** The port. Adapters: RdsInstanceSnapshots, RdsClusterSnapshots, RdsClusterClones. */
import { LockstepError, NOTHING_CHANGED } from '../errors/index.ts';
import type { SourceDescription } from './restore-record.ts';

export interface RestorePointRequest {
  readonly id: string;
  readonly target: string;
  /** Execution ARN of the run that it is taken for. */
  readonly run: string;
  /** The first migration that is pending: `0042_add_email`. */
  readonly before: string;
  readonly bundleDigest: string;
}

export type RestorePointState =
  | { readonly kind: 'available' }
  | { readonly kind: 'creating' }
  /** Not begun yet: the database is in a state that passes by itself, such as its own nightly backup. */
  | { readonly kind: 'database-busy'; readonly databaseState: string };

/** What a clean-up decides from. */
export interface StoredRestorePoint {
  readonly id: string;
  /** And in nobody's use. */
  readonly complete: boolean;
  /** Milliseconds since 1970, by the store's clock; null while it is not known. */
  readonly createdAtMs: number | null;
}

export interface RestorePointStore {
  /** The database as it is. Throws LS701. */
  describeSource(): Promise<SourceDescription>;
  /** Begins the restore point unless there is one with this id, and says how far it is. Throws LS701. */
  ensure(request: RestorePointRequest): Promise<RestorePointState>;
  /** All that bear the target's tag, in any order. Throws LS701. */
  list(target: string): Promise<readonly StoredRestorePoint[]>;
  /** Also succeeds when it is gone already. Throws LS701. */
  delete(id: string): Promise<void>;
}

/** Tags by which people, policies and the clean-up know a restore point of Lockstep's. */
export const RestorePointTag = {
  target: 'lockstep:target',
  run: 'lockstep:run',
  before: 'lockstep:before',
  bundle: 'lockstep:bundle',
  createdBy: 'lockstep:created-by',
} as const;

export const restorePointError = (what: string, remedy: string, cause?: unknown): LockstepError =>
  new LockstepError('LS701', { what, state: NOTHING_CHANGED, remedy, cause });
