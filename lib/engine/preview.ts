/** `plan --sql`: what `up` would send for each pending migration. Reads only. */
import { messagesOf, PLACEHOLDERS, type Session } from '../adapters/postgres/index.ts';
import { type LedgerState, type Migration, migrationName, type Plan, type Step } from '../core/plan/index.ts';
import { upChange } from './changes.ts';
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
  readonly phase: Migration['phase'];
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
    const migrations = await options.source.load(plan.pending.map((p) => p.revision));
    return {
      plan,
      migrations: migrations.map((m, i) => preview(session, m, plan.pending[i]!.ordinal, ledger)),
    };
  });

function preview(
  session: Session,
  migration: Migration,
  ordinal: number,
  { partial }: LedgerState,
): PreviewedMigration {
  const change = upChange(migration, ordinal, PLACEHOLDERS);
  const done = partial.find((p) => BigInt(p.revision) === BigInt(change.revision))?.stepsDone ?? [];
  const steps = change.steps.map((step) => {
    const isDone = done.includes(step.index);
    return { kind: step.kind, isDone, messages: isDone ? [] : messagesOf(session, change, step) };
  });
  return { migration: migrationName(migration), phase: migration.phase, steps };
}
