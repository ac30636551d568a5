import { createHash } from 'node:crypto';

/** The shortest limit: cluster snapshots have 63 characters, instance snapshots 255. */
const LONGEST_ID = 63;
const PREFIX = 'lockstep';
/** Names of restore points begin with it; roles may touch nothing else. */
export const RESTORE_POINT_PREFIX = `${PREFIX}-`;
const HASH_LENGTH = 16;

/**
 * The id of a run's restore point, e.g. `lockstep-orders-production-9f86d081884c7d65`: letters, digits and
 * single hyphens, beginning with a letter. Equal for equal arguments and, for all practical purposes, only then:
 * an execution's name may be used again months later, so its start counts, too.
 */
export function restorePointId(
  target: string,
  run: { readonly execution: string; readonly startedAt: string },
): string {
  const hash = createHash('sha256')
    .update(JSON.stringify([target, run.execution, run.startedAt]))
    .digest('hex');
  const room = LONGEST_ID - PREFIX.length - HASH_LENGTH - 2;
  const readable = target
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .slice(0, room)
    .replace(/^-|-$/g, '');
  return [PREFIX, readable, hash.slice(0, HASH_LENGTH)].filter((part) => part !== '').join('-');
}
