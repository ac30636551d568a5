/**
 * Of a run that took no restore point: the time and the place in the write-ahead log at which it began, which the ledger
 * notes of every run. What is needed to go back there is not Lockstep's: backups that reach to it, of a service or of
 * one's own, are the server's matter.
 * https://www.postgresql.org/docs/18/continuous-archiving.html#BACKUP-PITR-RECOVERY
 */
import type { RestoreStep } from './restore-plan.ts';

export interface NotedBegin {
  /** UTC: `2026-11-21T15:00:00.123Z`. */
  readonly at: string;
  /** Null where the server does not tell. */
  readonly lsn: string | null;
}

/** What a service that restores to a time takes: whole seconds, and not after the run had begun. */
const wholeSecond = (at: string): string => `${at.slice(0, 19)}Z`;

/** Exactly where it began, or where the server did not tell, when. */
const target = ({ at, lsn }: NotedBegin): string =>
  lsn === null ? `recovery_target_time=${at}` : `recovery_target_lsn=${lsn}`;

export const stepsToBegin = (begin: NotedBegin): readonly RestoreStep[] => [
  {
    what: `Have a new server made of the backups, beside the old one. Where a service keeps them, it is its restore to a point in time: ${wholeSecond(begin.at)}. Where you archive the log yourself, put the last base backup from before that time into a folder of its own, make an empty file recovery.signal in it, see that restore_command finds the archive, and start it so that it stops where the run began:`,
    command: [
      'pg_ctl',
      'start',
      '-D',
      'RESTORED',
      '-o',
      `-c ${target(begin)} -c recovery_target_inclusive=off -c recovery_target_action=promote`,
    ],
  },
  {
    what: 'Look at the data in the new one. Its ledger is of that time, too: `lockstep status` shows what was applied then.',
    command: [],
  },
  {
    what: 'Stop everything that writes to the old one: what is written from now on is lost with it.',
    command: [],
  },
  {
    what: 'Give the app the address of the new one, with the version of the app from before this run, and start the run again when its cause is mended. Keep the old one until nobody needs it any more.',
    command: [],
  },
];
