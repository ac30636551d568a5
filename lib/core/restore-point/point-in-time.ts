/**
 * A time as restore point: continuous backups, which RDS and Aurora make anyway, can bring the database back to it.
 * Nothing has to be taken and nothing is to be waited for or paid.
 */
import type { RestorePointProgress } from '../workflow/payloads.ts';
import { restorePointError } from './restore-point-store.ts';
import type { SourceDescription } from './restore-record.ts';

/** `at`: to which it may have to go back, as in a RestoreRecord. Throws LS701 without continuous backups. */
export function pointInTime(
  source: string,
  { hasContinuousBackups, settings }: SourceDescription,
  at: string,
): RestorePointProgress {
  if (!hasContinuousBackups) {
    throw restorePointError(
      `The ${settings.type} ${source} keeps no backups, so it cannot be brought back to a time.`,
      'Give it a backup retention period of at least a day, or take snapshots (restorePoint of the construct); then start the run again.',
    );
  }
  const record = { method: 'point-in-time', source, at, settings } as const;
  return { status: 'available', id: at, waitSeconds: 0, waitedSeconds: 0, record };
}
