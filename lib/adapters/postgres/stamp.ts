import { type Change, checkFence, insertEntry, moveJournal } from './change.ts';
import type { Session } from './session.ts';

/** Records changes whose effect is there already, without running anything; all of them or none. Throws LS403, LS3xx. */
export async function stampEntries(session: Session, changes: readonly Change[]): Promise<void> {
  const [first] = changes;
  if (!first) return;
  await session.query([checkFence(first), ...changes.map(insertEntry)].join(';\n'));
}

/**
 * The same for changes of kind `repaired`. A revert that is half done goes on behind the new entry. Throws LS403, LS3xx.
 */
export async function recordRepairs(session: Session, changes: readonly Change[]): Promise<void> {
  const [first] = changes;
  if (!first) return;
  const statements = changes.flatMap((change) => [insertEntry(change), moveJournal(change)]);
  await session.query([checkFence(first), ...statements].join(';\n'));
}
