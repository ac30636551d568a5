/** One run, and its outcome, for all who ask for the same migrations at the same time. */
import type { Session } from '../adapters/postgres/index.ts';
import { readEndedRun } from '../adapters/postgres/runs.ts';
import type { MigrationSource } from '../core/plan/index.ts';
import { type Plan, pendingNames } from '../core/plan/plan.ts';
import { sharedFailure } from '../core/plan/shared-failure.ts';

interface Asked {
  readonly plan: Plan;
  readonly source: MigrationSource;
  readonly runId: string;
}

/** Throws LS617 when somebody else's run has failed since, with what is pending here: it would only fail again. */
export async function refuseSharedFailure(session: Session, asked: Asked, sinceMs: number): Promise<void> {
  const { plan, source, runId } = asked;
  const run = await readEndedRun(session, { bundleDigest: source.digest, runId }, sinceMs);
  const failure = run && sharedFailure(run, pendingNames(plan));
  if (failure) throw failure;
}
