/** The port of what makes copies of the database and removes them. Adapters: RdsClusterCopies, RdsInstanceCopies. */
import { createHash } from 'node:crypto';
import { LockstepError, NOTHING_CHANGED } from '../errors/index.ts';

export interface CopyRequest {
  readonly id: string;
  readonly target: string;
  /** Execution ARN of the run that it is made for. */
  readonly run: string;
  /** When that began, in milliseconds since 1970: what was written before is in the copy. */
  readonly sinceMs: number;
  /** From then on whoever finds it may remove it, in milliseconds since 1970. */
  readonly expiresMs: number;
}

export type CopyState =
  | { readonly kind: 'creating' }
  | { readonly kind: 'ready'; readonly host: string; readonly port: number };

export interface StoredCopy {
  readonly id: string;
  /** Milliseconds since 1970; null when its tag says nothing. */
  readonly expiresMs: number | null;
}

export interface CopyStore {
  /** Goes on with the copy of this id, or begins with it, and says how far it is. Throws LS740. */
  ensure(request: CopyRequest): Promise<CopyState>;
  /** All that bear the target's tag, or parts of them. Throws LS740. */
  list(target: string): Promise<readonly StoredCopy[]>;
  /** With all its parts; also succeeds when it is gone already. Throws LS740. */
  remove(id: string): Promise<void>;
}

/** Tags by which people, policies and the clean-up know a copy of Lockstep's. */
export const CopyTag = {
  target: 'lockstep:copy-of',
  run: 'lockstep:run',
  expires: 'lockstep:expires',
} as const;

/** Names of copies begin with it; roles may touch nothing else. */
export const COPY_PREFIX = 'lockstep-copy-';

/** Of a run; another one for each of its tries. Clusters have 63 characters, and an instance of one has two more. */
export function copyId(
  target: string,
  run: { readonly execution: string; readonly startedAt: string },
  tries: number,
): string {
  const hash = createHash('sha256').update(JSON.stringify([target, run.execution, run.startedAt, tries]));
  return `${COPY_PREFIX}${hash.digest('hex').slice(0, 16)}`;
}

/** Those that nobody needs any more. One without a readable tag is not ours to judge. */
export const expiredCopies = (copies: readonly StoredCopy[], nowMs: number): string[] => [
  ...new Set(copies.filter(({ expiresMs }) => expiresMs !== null && expiresMs <= nowMs).map(({ id }) => id)),
];

export const copyError = (what: string, remedy: string, cause?: unknown): LockstepError =>
  new LockstepError('LS740', { what, state: NOTHING_CHANGED, remedy, cause });
