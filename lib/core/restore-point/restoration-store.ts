/** The port of what brings a restore point back, as a new database. Adapters: RdsRestoredInstance, RdsRestoredCluster. */
import { createHash } from 'node:crypto';
import { LockstepError } from '../errors/index.ts';
import type { RestoreRecord } from './restore-record.ts';

export interface RestorationRequest {
  /** Of the new database, and what the names of its instances begin with. Of a clone, only that. */
  readonly id: string;
  readonly target: string;
  /** Execution ARN of the run whose restore point it is. */
  readonly run: string;
  /** Of the snapshot or the clone, or the time to go back to. */
  readonly restorePoint: string;
  readonly record: RestoreRecord;
}

export type RestorationState =
  | { readonly kind: 'creating' }
  | {
      readonly kind: 'available';
      /** As the service calls it: of a clone, its own name. */
      readonly identifier: string;
      readonly host: string;
      readonly port: number;
    };

export interface RestorationStore {
  /** Goes on with the database of this id, or begins with it, and says how far it is. Throws LS751. */
  ensure(request: RestorationRequest): Promise<RestorationState>;
}

/** Tags by which people and policies know a database that was made of a restore point. No clean-up looks for them. */
export const RestoredTag = { target: 'lockstep:restored-of', run: 'lockstep:run' } as const;

/** Their names begin with it; roles may make no other. */
export const RESTORED_PREFIX = 'lockstep-restored-';

/** Of a run; instances of a cluster have a few characters more. */
export function restoredId(target: string, run: { readonly execution: string; readonly startedAt: string }) {
  const hash = createHash('sha256').update(JSON.stringify([target, run.execution, run.startedAt]));
  return `${RESTORED_PREFIX}${hash.digest('hex').slice(0, 16)}`;
}

/** A clone is a database already, and keeps its name. */
export const restoredName = ({ id, restorePoint, record }: RestorationRequest): string =>
  record.method === 'clone' ? restorePoint : id;

export const restorationError = (what: string, remedy: string, cause?: unknown): LockstepError =>
  new LockstepError('LS751', { what, state: OLD_ONE_UNTOUCHED, remedy, cause });

const OLD_ONE_UNTOUCHED = 'The old database is as it was.';
