/**
 * ALTER TABLE … DETACH PARTITION … CONCURRENTLY is two transactions: after the first the partition is pending, takes no
 * more rows through its parent, and can only be detached to the end (FINALIZE).
 */
import type { Postcondition } from '../../core/plan/index.ts';
import { findRelation, mend } from './catalog-index.ts';
import type { Session } from './session.ts';

export type Detached = Extract<Postcondition, { kind: 'partition-detached' }>;

export type Attachment = 'attached' | 'pending' | 'none';

export async function attachmentOf(session: Session, detached: Detached): Promise<Attachment> {
  const [row] = await session.query(
    `SELECT h.inhdetachpending AS pending FROM pg_catalog.pg_inherits h WHERE ${await isTheirs(session, detached)}`,
  );
  if (!row) return 'none';
  return row.pending === 't' ? 'pending' : 'attached';
}

/** Waits for transactions that may use the partition, for no longer than `limitMs`. Throws LS604. */
export async function finalizeDetach(session: Session, detached: Detached, limitMs: number): Promise<void> {
  const [row] = await session.query(
    `SELECT pg_catalog.format('ALTER TABLE %s DETACH PARTITION %s FINALIZE', h.inhparent::pg_catalog.regclass,
       h.inhrelid::pg_catalog.regclass) AS sql FROM pg_catalog.pg_inherits h WHERE ${await isTheirs(session, detached)}`,
  );
  const what = `The partition ${detached.partition}, whose detaching broke off, could not be detached to the end in time.`;
  if (row) await mend(session, row.sql ?? '', limitMs, what);
}

/** A condition over pg_inherits as h. */
async function isTheirs(session: Session, detached: Detached): Promise<string> {
  const { schema, table, partitionSchema, partition } = detached;
  const parent = await findRelation(session, schema, table);
  const child = await findRelation(session, partitionSchema, partition);
  return `h.inhparent = ${parent ?? 0} AND h.inhrelid = ${child ?? 0}`;
}
