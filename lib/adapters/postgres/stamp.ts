import { type Change, checkFence, insertEntry } from './change.ts';
import type { Session } from './session.ts';

/** Records changes whose effect is there already, without running anything; all of them or none. Throws LS403, LS3xx. */
export async function stampEntries(session: Session, changes: readonly Change[]): Promise<void> {
  const [first] = changes;
  if (!first) return;
  await session.query([checkFence(first), ...changes.map(insertEntry)].join(';\n'));
}
