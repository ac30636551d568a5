/** The workflow's states as a test calls them: each with the selection of the state that its task gets. */
import { handler as acquireLease } from '../../functions/acquire-lease.ts';
import { handler as cleanUp } from '../../functions/clean-up.ts';
import { handler as migrate } from '../../functions/migrate.ts';
import { handler as plan } from '../../functions/plan.ts';
import { handler as releaseLease } from '../../functions/release-lease.ts';
import { handler as rollBack } from '../../functions/roll-back.ts';
import type { MigrateOutput, PlanOutput, StartInput } from '../../lib/core/workflow/index.ts';
import { contextOf, executionArn, runOf } from './function-runtime.ts';

export const steps = {
  plan: (run: string, request: StartInput = {}) => plan({ run: runOf(run), request }, contextOf()),
  acquireLease: (run: string) =>
    acquireLease(
      {
        run: runOf(run),
        lease: { acquired: false, heldBy: null, watch: null, waitSeconds: 0, waitedSeconds: 0 },
      },
      contextOf(),
    ),
  migrate: (state: PlanOutput | MigrateOutput, timeoutMs?: number): Promise<MigrateOutput> => {
    const { run, plan: planned, restorePoint, progress, approval } = state;
    return migrate({ run, plan: planned, restorePoint, progress, approval }, contextOf(timeoutMs));
  },
  releaseLease: (run: string) => releaseLease({ run: runOf(run) }, contextOf()),
  /** As Catch hands the error on. */
  rollBack: (run: string, error: unknown, request: unknown = {}) => {
    const { name, message } = error as Error;
    const Cause = JSON.stringify({ errorType: name, errorMessage: message, trace: [] });
    return rollBack({ run: runOf(run), error: { Error: name, Cause }, request }, contextOf());
  },
  reconcile: () => cleanUp({ reconcile: true }, contextOf()),
  cleanUp: (run: string, status: 'ABORTED' | 'TIMED_OUT' | 'FAILED') =>
    cleanUp(
      { detail: { executionArn: executionArn(run), name: run, status, startDate: Date.now() } },
      contextOf(),
    ),
};

/** Plan, Acquire lease and Migrate until all is applied or one of them throws. */
export async function migrateAll(run: string, request?: StartInput): Promise<MigrateOutput> {
  const planned = await steps.plan(run, request);
  await steps.acquireLease(run);
  let state = await steps.migrate(planned);
  while (state.progress.outcome === 'more') state = await steps.migrate(state);
  return state;
}
