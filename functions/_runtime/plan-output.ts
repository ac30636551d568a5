/** The workflow's state after Plan, from a plan that was not refused. */
import {
  type Bundle,
  bundleHazards,
  type LedgerState,
  MEASUREMENTS_LIMIT,
  type Measurement,
  migrationName,
  type Plan,
  pendingNames,
} from '../../lib/core/plan/index.ts';
import type { Excess } from '../../lib/core/rehearsal/document.ts';
import { isWanted, type RestorePointWhen } from '../../lib/core/restore-point/policy.ts';
import {
  aheadVerdict,
  cutList,
  dryRunVerdict,
  nameList,
  nothingPendingVerdict,
  type RunFacts,
  VERDICT_LIST_LIMIT,
  type Verdict,
} from '../../lib/core/rollout/index.ts';
import type { PlanData, PlanOutput, Run, StartInput } from '../../lib/core/workflow/index.ts';

import type { RehearsalState } from '../../lib/core/workflow/rehearsal-payloads.ts';
import { notBegun } from './not-begun.ts';
import { type ApprovalContext, planApproval } from './plan-approval.ts';
import { entriesOf, repeatablesOf } from './run-entries.ts';

export interface Planned {
  readonly run: Run;
  readonly request: StartInput;
  readonly bundle: Bundle;
  readonly plan: Plan;
  readonly ledger: LedgerState;
  readonly slowest: readonly Measurement[];
  readonly target: string;
  /** Undefined where no plan waits for a person. */
  readonly approval: ApprovalContext | undefined;
  /** Of the rehearsal, over which a person is to decide. */
  readonly excesses: readonly Excess[];
  /** Undefined where the coordinator makes no copies. */
  readonly rehearsal: RehearsalState | undefined;
  readonly restorePoint: RestorePointWhen | 'never';
  readonly durationMs: number;
}

export function planOutput(planned: Planned): PlanOutput {
  const { run, request, plan, restorePoint } = planned;
  const hazards = pendingHazards(planned);
  const data = planData(planned, hazards);
  const isTaken = restorePoint !== 'never' && isWanted(restorePoint, hazards);
  return {
    run,
    outcome: request.dryRun ? 'dry-run' : outcomeOf(plan),
    plan: data,
    ...notBegun(isTaken ? 'requested' : 'none'),
    verdict: verdictOf(planned, data),
    ...(planned.rehearsal ? { rehearsal: planned.rehearsal } : {}),
    ...(planned.approval ? { approval: planApproval(planned.approval, planned, hazards) } : {}),
  };
}

type Hazards = ReturnType<typeof bundleHazards>;

function pendingHazards({ bundle, plan }: Planned): Hazards {
  const pending = new Set(pendingNames(plan));
  return bundleHazards(bundle).filter(({ migration }) => pending.has(migration));
}

function planData({ bundle, plan, request, rehearsal }: Planned, hazards: Hazards): PlanData {
  const names = pendingNames(plan);
  return {
    pending: cutList(names),
    pendingCount: names.length,
    appliedCount: plan.appliedCount,
    hazards: hazards.slice(0, VERDICT_LIST_LIMIT),
    toRevision: request.toRevision ?? null,
    phase: request.phase ?? null,
    forceContract: request.forceContract ?? false,
    lastEntryId: plan.lastEntryId,
    bundleDigest: bundle.digest,
    bundle: request.bundle ?? null,
    ...measuredOf(plan, [...(request.slowest ?? []), ...(rehearsal?.result?.slowest ?? [])]),
  };
}

/** What the rest of the run needs of it. */
function measuredOf(plan: Plan, slowest: readonly Measurement[]): Pick<PlanData, 'measured'> {
  const pending = new Set(plan.pending.map(migrationName));
  const measured = slowest.filter((m) => pending.has(m.migration)).slice(0, MEASUREMENTS_LIMIT);
  return measured.length === 0 ? {} : { measured };
}

function outcomeOf({ outcome }: Plan): PlanOutput['outcome'] {
  if (outcome === 'refused') throw new Error('a refused plan has no output');
  return outcome;
}

function verdictOf(
  { run, request, target, durationMs, plan, ledger, slowest }: Planned,
  data: PlanData,
): Verdict | null {
  const facts: RunFacts = {
    run: run.id,
    target,
    bundleDigest: data.bundleDigest,
    restorePoint: null,
    durationMs,
    slowest,
  };
  if (request.dryRun) return dryRunVerdict(facts, { names: data.pending, count: data.pendingCount });
  switch (plan.outcome) {
    case 'nothing-pending':
      return nothingPendingVerdict(
        facts,
        plan.appliedCount,
        nameList([...entriesOf(run.id, 'applied', ledger), ...repeatablesOf(run.id, ledger)]),
      );
    case 'ahead':
      return aheadVerdict(facts, plan.ahead.map(migrationName));
    case 'pending':
    case 'refused':
      return null;
    default:
      return plan.outcome satisfies never;
  }
}
