/** Why something cannot be taken back, told before anything is touched: all of it by name, and what is left to do. */
import { readRestorePoints, type Session } from '../adapters/postgres/index.ts';
import { LockstepError, NOTHING_CHANGED } from '../core/errors/index.ts';
import { type CurrentEntry, migrationName } from '../core/plan/index.ts';

const names = (entries: readonly CurrentEntry[]): string => entries.map(migrationName).join(', ');

/** Throws LS3xx. */
export async function explainIrreversible(
  session: Session,
  entries: readonly CurrentEntry[],
): Promise<LockstepError> {
  const contract = entries.filter((e) => e.phase === 'contract');
  // What was repaired since has a newer entry, of a run that applied nothing.
  const wanted = (contract.length > 0 ? contract : entries).map((e) => e.appliedEntryId);
  const restorePoints = (await readRestorePoints(session, wanted)).map(
    ({ runId, restorePoint }) => `the restore point ${restorePoint} (of run ${runId})`,
  );
  const because =
    contract.length === 0
      ? ''
      : ` ${names(contract)} ${contract.length === 1 ? 'is a contract step' : 'are contract steps'}: what they took away is not in the database any more, so they are irreversible unless they bring a down script.`;
  const back =
    restorePoints.length === 0
      ? ', or go back to a restore point of your own'
      : `; the data as it was before is in ${restorePoints.join(', ')}`;
  return new LockstepError('LS606', {
    what: `No down script was recorded for ${names(entries)}.${because}`,
    state: NOTHING_CHANGED,
    remedy: `Roll forward with a new migration${back}.`,
    context: { migration: names(entries), contract: names(contract) },
  });
}

/** They were made for a schema that had it, and without it would leave a gap for the next `up`. */
export const othersBuildOn = (
  revert: readonly CurrentEntry[],
  above: readonly CurrentEntry[],
): LockstepError =>
  new LockstepError('LS512', {
    what: `${names(above)} ${above.length === 1 ? 'is' : 'are'} applied after ${names(revert)}, and may build on it.`,
    state: NOTHING_CHANGED,
    remedy:
      'Take the later ones back first (`lockstep down --run` with their run, or `--to` with the revision that stays), or roll forward with a new migration.',
    context: { migration: names(revert), above: names(above) },
  });
