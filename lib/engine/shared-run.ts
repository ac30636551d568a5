/** One run, and its outcome, for all who ask for the same migrations at the same time. */
import { type EndedRun, readEndedRun, type Session } from '../adapters/postgres/index.ts';
import { type MigrationSource, type Plan, pendingNames, sharedFailure } from '../core/plan/index.ts';

interface Asked {
  readonly plan: Plan;
  readonly source: MigrationSource;
  readonly runId: string;
}

/** Throws LS617 when somebody else's run has failed since, with what is pending here: it would only fail again. */
export async function refuseSharedFailure(session: Session, asked: Asked, sinceMs: number): Promise<void> {
  const run = await endedSince(session, asked, sinceMs);
  const failure = run && sharedFailure(run, pendingNames(asked.plan));
  if (failure) throw failure;
}

/** Somebody else's run that has applied the same migrations since. */
export async function appliedSince(session: Session, asked: Asked, sinceMs: number): Promise<string | null> {
  const run = await endedSince(session, asked, sinceMs);
  return run && run.error === null ? run.runId : null;
}

const endedSince = (
  session: Session,
  { source, runId }: Asked,
  sinceMs: number,
): Promise<EndedRun | undefined> => readEndedRun(session, { bundleDigest: source.digest, runId }, sinceMs);
