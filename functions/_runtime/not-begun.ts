import type { PlanOutput } from '../../lib/core/workflow/index.ts';

/** What of the workflow's state is the same after every plan: nothing is taken, held or done yet. */
export const notBegun = (
  restorePoint: 'requested' | 'none',
): Pick<PlanOutput, 'restorePoint' | 'lease' | 'progress'> => ({
  restorePoint: { status: restorePoint, id: null, waitSeconds: 0, waitedSeconds: 0 },
  lease: { acquired: false, heldBy: null, watch: null, waitSeconds: 0, waitedSeconds: 0 },
  progress: { outcome: 'not-started', calls: 0, appliedCount: 0 },
});
