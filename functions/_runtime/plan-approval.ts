/** Whether a plan waits for a person, and what that person is asked. */
import {
  type Approval,
  type ApprovalSetting,
  type Approved,
  approvalOf,
  approvalRequest,
  planDigest,
} from '../../lib/core/approval/index.ts';
import { type Bundle, type bundleHazards, type Plan, pendingNames } from '../../lib/core/plan/index.ts';
import type { Excess } from '../../lib/core/rehearsal/document.ts';
import { excessInWords } from '../../lib/core/rehearsal/gate.ts';
import type { Run, StartInput } from '../../lib/core/workflow/index.ts';

export interface ApprovalContext {
  readonly setting: ApprovalSetting;
  /** So far in this run. */
  readonly approved: Approved | undefined;
}

interface Planned {
  readonly run: Run;
  readonly request: StartInput;
  readonly bundle: Bundle;
  readonly plan: Plan;
  readonly target: string;
  /** Of its rehearsal. */
  readonly excesses: readonly Excess[];
}

type PendingHazard = ReturnType<typeof bundleHazards>[number];

/** @param hazards of what is pending */
export function planApproval(
  { setting, approved }: ApprovalContext,
  { run, request, bundle, plan, target, excesses }: Planned,
  hazards: readonly PendingHazard[],
): Approval {
  const pending = pendingNames(plan);
  const digest = planDigest({
    bundleDigest: bundle.digest,
    pending,
    toRevision: request.toRevision ?? null,
    phase: request.phase ?? null,
    forceContract: request.forceContract ?? false,
  });
  const isDestructive = hazards.some((hazard) => hazard.class === 'destructive');
  const approval = approvalOf(
    setting,
    { digest, isDestructive, isOverBudget: excesses.length > 0 },
    approved,
  );
  if (approval.status !== 'needed') return approval;
  const facts = {
    target,
    execution: run.execution,
    planDigest: digest,
    pending,
    hazards,
    excesses: excesses.map(excessInWords),
    reason: request.reason,
    timeoutSeconds: setting.timeoutSeconds,
  };
  return { ...approval, request: approvalRequest(facts) };
}
