import { RollOutStateName, StateName } from '../../core/workflow/index.ts';
import type { StateEvent } from '../state-event.ts';

/** The parts of the state machine's data that are worth a word; which are there depends on the state. */
interface Data {
  readonly outcome?: string;
  readonly plan?: { readonly pendingCount: number };
  readonly approval?: { readonly status: string; readonly by: string | null };
  readonly restorePoint?: { readonly status: string; readonly id: string | null };
  readonly lease?: { readonly acquired: boolean; readonly heldBy: string | null };
  readonly progress?: { readonly appliedCount: number };
  readonly rollOut?: { readonly status: string };
  readonly restoration?: { readonly status: string };
  readonly verdict?: { readonly reverted: readonly string[] } | null;
}

/** What came of a state, in a few words. */
export function noteOn({ state, output }: Extract<StateEvent, { kind: 'exited' }>): string {
  const data = (output ?? {}) as Data;
  const { outcome, plan, approval, restorePoint, lease, progress, rollOut, verdict } = data;
  switch (state) {
    case StateName.Plan:
      return outcome === 'pending' ? `${plan?.pendingCount} pending` : String(outcome);
    case StateName.CheckApproval:
      return approval?.status === 'approved' ? `approved by ${approval.by ?? 'somebody'}` : String(outcome);
    case StateName.TakeRestorePoint:
      return `${restorePoint?.status}${restorePoint?.status === 'available' ? `: ${restorePoint.id}` : ''}`;
    case StateName.AcquireLease:
      return lease?.acquired ? 'acquired' : `held by ${shortHolder(lease?.heldBy ?? 'another')}`;
    case StateName.Migrate:
      return `${progress?.appliedCount} applied`;
    case RollOutStateName.AwaitRollOut:
      return String(rollOut?.status);
    case RollOutStateName.RestoreDatabase:
      return String(data.restoration?.status);
    case StateName.RollBack:
      return `${verdict?.reverted.length} reverted`;
    default:
      return '';
  }
}

/** host:pid without its uuid, or the name of an execution. */
const shortHolder = (holder: string): string =>
  holder.startsWith('arn:')
    ? `execution ${holder.split(':').at(-1)}`
    : holder.split(':').slice(0, 2).join(':');
