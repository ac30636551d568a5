/** What the ledger keeps of a step's strong locks: which, for how long at most, and what it took to get them. */
import type { HeldLock } from '../../core/locks/index.ts';
import type { LockedRelation } from './blockers.ts';
import type { Change } from './change.ts';
import { literal } from './sql.ts';

export type { HeldLock };

/** Of an entry `e`: those of all its steps, in order. */
export const HELD_LOCKS = `(SELECT COALESCE(pg_catalog.json_agg(held ORDER BY l.step), '[]')
  FROM (SELECT j.step, j.locks FROM lockstep.journal j WHERE j.revision = e.revision AND j.ordinal = e.ordinal
      UNION ALL SELECT NULL, e.locks) l, pg_catalog.jsonb_array_elements(l.locks) held)`;

export interface LockRecord {
  /** Those that may be locked and were there before. */
  readonly relations: readonly LockedRelation[];
  readonly waitedMs: number;
  readonly tries: number;
}

/** A statement of the step's own transaction, before its end; `step` is null for the one that ends the migration. */
export function noteLocks({ revision, ordinal }: Change, step: number | null, record: LockRecord): string {
  const { relations, waitedMs, tries } = record;
  const values = [literal(revision), ordinal, step ?? 'NULL', literal(JSON.stringify(relations))];
  return `SELECT lockstep.note_locks(${values.join(', ')}, ${Math.round(waitedMs)}, ${tries})`;
}
