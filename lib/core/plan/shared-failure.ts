/** Whether the failure of somebody else's run is that of all who wait for it with the same migrations. */
import { LockstepError } from '../errors/index.ts';

/**
 * What the migrations themselves, or the database as it is, make fail. Anything else (a process that was interrupted,
 * a lost connection, too little time) says nothing about who comes next.
 */
const FAILS_FOR_ALL: readonly string[] = ['LS601', 'LS602', 'LS603', 'LS608', 'LS609', 'LS610', 'LS613'];

interface Failed {
  readonly runId: string;
  /** As the ledger has it: `LS601: 0002_mail.sql, line 3, …`; null if it did not fail. */
  readonly error: string | null;
  readonly failedMigration: string | null;
}

/** LS617, if what failed is pending here, too. */
export function sharedFailure(
  { runId, error, failedMigration }: Failed,
  pending: readonly string[],
): LockstepError | undefined {
  const [code = ''] = (error ?? '').split(':', 1);
  if (!FAILS_FOR_ALL.includes(code) || failedMigration === null || !pending.includes(failedMigration))
    return undefined;
  return new LockstepError('LS617', {
    what: `The run ${runId}, which this one waited for, has failed with the same migrations. ${error}`,
    state: `This one changed nothing; \`lockstep runs show ${runId}\` says what that one did.`,
    remedy: 'Mend what it failed with, and run the same command again.',
    context: { run: runId, migration: failedMigration, failedWith: code },
  });
}
