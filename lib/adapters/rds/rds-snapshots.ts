/**
 * Restore points as manual RDS snapshots, or as clones, which are handled alike. What differs between instances, clusters
 * and clones is in a SnapshotApi; everything else is here.
 *
 * Invariants: a snapshot is created with its tags, in one call, so there is none that the clean-up does not
 * know; the service is asked each time and nothing is remembered. Whether the database is in a state that
 * allows a snapshot is decided by the service when it is asked for one, not by a look beforehand.
 *
 * Who is authoritative: RDS. Its events are best effort and unordered, so it is asked, not listened to.
 * What can fail: see LS701; the SDK repeats throttled and unanswered calls itself.
 */
import { LockstepError } from '../../core/errors/index.ts';
import type {
  RestorePointRequest,
  RestorePointState,
  RestorePointStore,
  SourceDescription,
  StoredRestorePoint,
} from '../../core/restore-point/index.ts';
import { RestorePointTag, restorePointError } from '../../core/restore-point/index.ts';

export interface Tag {
  readonly Key?: string | undefined;
  readonly Value?: string | undefined;
}

export interface Snapshot {
  readonly id: string;
  /** RDS's own word: creating, available, failed, deleting … */
  readonly status: string;
  readonly createdAtMs: number | null;
  readonly tags: readonly Tag[];
}

/** The calls for one kind of snapshot of one database, or for its clones. They throw the SDK's errors, or LS701. */
export interface SnapshotApi {
  /** For messages: `instance orders-production`. */
  readonly source: string;
  describe(id: string): Promise<Snapshot | undefined>;
  create(id: string, tags: Tag[]): Promise<Snapshot | undefined>;
  /** All manual snapshots of the database, or all clones. */
  list(): Promise<readonly Snapshot[]>;
  delete(id: string): Promise<void>;
  describeSource(): Promise<SourceDescription>;
}

const SnapshotStatus = { available: 'available', beginning: ['creating', 'pending'] } as const;
/** States of a database that allow no snapshot and end by themselves within minutes. */
const PASSING_STATES = ['backing-up'];
const GONE = ['DBSnapshotNotFoundFault', 'DBClusterSnapshotNotFoundFault', 'DBClusterNotFoundFault'];
const EXISTS = [
  'DBSnapshotAlreadyExistsFault',
  'DBClusterSnapshotAlreadyExistsFault',
  'DBClusterAlreadyExistsFault',
];
const NOT_NOW = ['InvalidDBInstanceStateFault', 'InvalidDBClusterStateFault'];

const REMEDIES: Readonly<Record<string, string>> = {
  SnapshotQuotaExceededFault:
    'Delete manual snapshots that nobody needs, or ask AWS for a higher quota; then start the run again.',
  DBClusterQuotaExceededFault:
    'Delete clusters that nobody needs, or ask AWS for a higher quota; then start the run again.',
};

export class RdsSnapshots implements RestorePointStore {
  readonly #api: SnapshotApi;

  constructor(api: SnapshotApi) {
    this.#api = api;
  }

  async ensure(request: RestorePointRequest): Promise<RestorePointState> {
    const snapshot = await this.#findOrCreate(request).catch((error: unknown) => {
      if (isNamed(error, NOT_NOW)) return 'not-now' as const;
      throw this.#explained(`The restore point ${request.id} could not be taken`, error);
    });
    return snapshot === 'not-now' ? this.#databaseBusy() : stateOf(snapshot, request.id);
  }

  async list(target: string): Promise<readonly StoredRestorePoint[]> {
    try {
      const all = await this.#api.list();
      return all
        .filter((s) => s.tags.some((tag) => tag.Key === RestorePointTag.target && tag.Value === target))
        .map(({ id, status, createdAtMs }) => ({
          id,
          createdAtMs,
          complete: status === SnapshotStatus.available,
        }));
    } catch (error) {
      throw this.#explained('The restore points could not be listed', error);
    }
  }

  async delete(id: string): Promise<void> {
    try {
      await this.#api.delete(id);
    } catch (error) {
      if (!isNamed(error, GONE)) throw this.#explained(`The restore point ${id} could not be deleted`, error);
    }
  }

  async #findOrCreate(request: RestorePointRequest): Promise<Snapshot | undefined> {
    try {
      const existing = await this.#api.describe(request.id);
      return existing ?? (await this.#create(request));
    } catch (error) {
      if (isNamed(error, GONE)) return this.#create(request);
      throw error;
    }
  }

  async #create({
    id,
    target,
    run,
    before,
    bundleDigest,
  }: RestorePointRequest): Promise<Snapshot | undefined> {
    const tags = {
      [RestorePointTag.target]: target,
      [RestorePointTag.run]: run,
      [RestorePointTag.before]: before,
      [RestorePointTag.bundle]: bundleDigest,
      [RestorePointTag.createdBy]: 'lockstep',
    };
    try {
      return await this.#api.create(
        id,
        Object.entries(tags).map(([Key, Value]) => ({ Key, Value })),
      );
    } catch (error) {
      // Another invocation was faster, or the reply to an earlier try was lost.
      if (isNamed(error, EXISTS)) return this.#api.describe(id);
      throw error;
    }
  }

  async describeSource(): Promise<SourceDescription> {
    try {
      return await this.#api.describeSource();
    } catch (error) {
      throw this.#explained('The database could not be described', error);
    }
  }

  async #databaseBusy(): Promise<RestorePointState> {
    const { state: databaseState } = await this.describeSource();
    // It came back between the two calls: the next look takes the snapshot.
    if (databaseState === 'available' || PASSING_STATES.includes(databaseState))
      return { kind: 'database-busy', databaseState };
    throw restorePointError(
      `The ${this.#api.source} is ${databaseState}, and a restore point can be taken only while it is available.`,
      'Start the run again when the database is available.',
    );
  }

  #explained(what: string, error: unknown): LockstepError {
    if (error instanceof LockstepError) return error;
    const { name, message } = error instanceof Error ? error : new Error(String(error));
    const remedy =
      REMEDIES[name] ??
      "Check the function's permissions and the database in the RDS console; then start the run again.";
    return restorePointError(`${what} (${this.#api.source}): ${name}: ${message}.`, remedy, error);
  }
}

function stateOf(snapshot: Snapshot | undefined, id: string): RestorePointState {
  if (snapshot?.status === SnapshotStatus.available) return { kind: 'available' };
  if (snapshot === undefined || SnapshotStatus.beginning.some((s) => s === snapshot.status))
    return { kind: 'creating' };
  throw restorePointError(
    `The restore point ${id} is ${snapshot.status}.`,
    'Look at it in the RDS console, delete it if it failed, and start a new run.',
  );
}

const isNamed = (error: unknown, names: readonly string[]): boolean =>
  error instanceof Error && names.includes(error.name);
