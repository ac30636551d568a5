// Not from indexes, and what is needed if something is pending only then: most starts find nothing to do.
import type { Session } from '../adapters/postgres/index.ts';
import { readLedgerAgain } from '../adapters/postgres/ledger.ts';
import { settleRun } from '../adapters/postgres/runs.ts';
import { appliedSince } from '../core/plan/applied-since.ts';
import type { LedgerState, MigrationSource, Plan } from '../core/plan/index.ts';
import { refusal } from '../core/plan/refusal.ts';
import { runExclusively } from './exclusively.ts';
import { inExistingDatabase } from './in-existing-database.ts';
import { announce } from './instances.ts';
import { loadTurn } from './load-turn.ts';
import { planOn, refuseReadOnly } from './planning.ts';
import { refuseSharedFailure } from './shared-run.ts';
import type { MigrateOptions, MigrateResult, PlanResult } from './types.ts';

/**
 * Applies what is pending, or waits until another process has. With nothing pending it takes neither lease nor lock
 * and writes nothing. Throws LS2xx to LS6xx; what was applied before the error stays applied.
 */
export const migrate = (options: MigrateOptions): Promise<MigrateResult> =>
  inExistingDatabase(options, () => applyExclusively(options));

function applyExclusively(options: MigrateOptions): Promise<MigrateResult> {
  // Over all attempts of this process.
  const applied: string[] = [];
  const outOfOrder = new Set<string>();
  const runId = options.holder;
  let waitingSinceMs: number | undefined;
  /** Of this process. Its attempt is over when the next look is made. */
  let lastToken: number | undefined;
  let found: Plan | undefined;
  let atFirst: LedgerState | undefined;
  let hasWaited = false;
  const on: MigrateOptions['on'] = (event) => {
    if (event.kind === 'migration-done') applied.push(event.migration);
    if (event.kind === 'out-of-order') outOfOrder.add(event.migration);
    if (event.kind === 'lease-acquired') lastToken = event.token;
    options.on?.(event);
  };
  const result = (
    plan: Plan,
    more: Pick<MigrateResult, 'waitedMs' | 'appliedBy' | 'token' | 'tookOverFrom'>,
  ): MigrateResult => ({
    outcome: plan.outcome === 'ahead' ? 'ahead' : 'applied',
    ran: applied.length > 0,
    applied,
    outOfOrder: applied.filter((name) => outOfOrder.has(name)),
    plan,
    ...more,
  });
  const byOther = (ledger: LedgerState): string | null => {
    const by = atFirst ? appliedSince(ledger, atFirst) : null;
    return by === runId ? null : by;
  };
  return runExclusively<MigrateResult>(
    { ...options, on },
    {
      async look(session, waitedMs) {
        const known = await (waitedMs > 0 ? readLedgerAgain(session) : options.opening?.takeLedger(session));
        const { plan, ledger } = await acceptablePlan(session, options, known);
        found = plan;
        atFirst ??= ledger;
        const asked = { plan, source: options.source, runId };
        // By the server's clock, which writes when runs end.
        waitingSinceMs ??= Math.floor(Number(session.facts.backendStart) / 1000);
        if (plan.outcome === 'pending') {
          hasWaited = waitedMs > 0;
          if (hasWaited) await refuseSharedFailure(session, asked, waitingSinceMs);
          return undefined;
        }
        if (lastToken !== undefined) await settleRun(session, { runId, token: lastToken });
        await announce(session, options);
        const appliedBy = byOther(ledger);
        const ready = result(plan, { waitedMs, appliedBy, token: null, tookOverFrom: null });
        const nobodyRan = waitedMs === 0 && applied.length === 0 && appliedBy === null;
        return nobodyRan && plan.outcome === 'nothing-pending'
          ? { ...ready, outcome: 'nothing-pending' }
          : ready;
      },
      prepare: () => loadPending(options.source, found),
      async work(attempt, { waitedMs, tookOverFrom }) {
        const { applyPending } = await loadTurn();
        // While this one compiled, another may have tried the same.
        const since = hasWaited ? { waitingSinceMs } : {};
        const { whenRecorded } = await applyPending(attempt, { ...options, ...since });
        const [{ plan, ledger }] = await Promise.all([planOn(attempt.session, options), whenRecorded]);
        await announce(attempt.session, options);
        return result(plan, {
          waitedMs,
          appliedBy: applied.length > 0 ? null : byOther(ledger),
          token: attempt.token,
          tookOverFrom: tookOverFrom ?? null,
        });
      },
    },
  );
}

/** What the ledger tells to be wrong is found before the lease is asked for. */
export async function acceptablePlan(
  session: Session,
  options: MigrateOptions,
  known?: LedgerState,
): Promise<PlanResult> {
  const found = await planOn(session, options, known);
  const { plan } = found;
  const refused = refusal(plan);
  if (refused) throw refused;
  if (plan.outcome === 'pending') refuseReadOnly(session);
  return found;
}

/** What the files have wrong, before anything is written. Throws LS2xx. */
export async function loadPending(source: MigrationSource, plan: Plan | undefined): Promise<void> {
  if (plan?.outcome !== 'pending') return;
  await source.load(plan.pending.map((p) => p.revision));
  await source.loadRepeatables(plan.repeatables.map(({ name }) => name));
}
