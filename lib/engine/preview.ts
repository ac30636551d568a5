/** `plan --sql`: what `up` would send for each pending migration. Reads only. */
import { type Change, messagesOf, PLACEHOLDERS, type Session } from '../adapters/postgres/index.ts';
import {
  compareRevisions,
  type LedgerState,
  migrationName,
  type Plan,
  type Step,
} from '../core/plan/index.ts';
import { pendingChanges } from './changes.ts';
import { LOOK, withSession } from './open-session.ts';
import { type PlanRequest, planOn } from './planning.ts';
import type { EngineContext } from './types.ts';

export interface Preview {
  readonly plan: Plan;
  /** Empty for a plan that is refused. */
  readonly migrations: readonly PreviewedMigration[];
}

export interface PreviewedMigration {
  readonly migration: string;
  /** `repeatable` for a repeatable object. */
  readonly phase: string;
  readonly steps: readonly PreviewedStep[];
}

export interface PreviewedStep {
  readonly kind: Step['kind'];
  /** An earlier attempt has done it: nothing of it would be sent. */
  readonly isDone: boolean;
  /** Each would be sent by itself. */
  readonly messages: ReturnType<typeof messagesOf>;
}

/** Throws LS2xx for a file that does not compile, LS3xx, LS504, LS605. */
export const previewPlan = (options: EngineContext & PlanRequest): Promise<Preview> =>
  withSession(options, LOOK, async (session) => {
    const { plan, ledger } = await planOn(session, options);
    if (plan.outcome !== 'pending') return { plan, migrations: [] };
    const changes = await pendingChanges(options.source, plan, ledger, PLACEHOLDERS);
    return { plan, migrations: changes.map((change) => preview(session, change, ledger)) };
  });

function preview(session: Session, change: Change, { partial }: LedgerState): PreviewedMigration {
  const isRepeatable = change.kind === 'repeatable';
  const begun = isRepeatable
    ? undefined
    : partial.find((p) => compareRevisions(p.revision, change.revision) === 0);
  const steps = change.steps.map((step) => {
    const isDone = begun?.stepsDone.includes(step.index) ?? false;
    return { kind: step.kind, isDone, messages: isDone ? [] : messagesOf(session, change, step) };
  });
  return { migration: migrationName(change), phase: isRepeatable ? 'repeatable' : change.phase, steps };
}
