import { configurationError } from '../../adapters/postgres/config.ts';
import { systemClock } from '../../adapters/process/clock.ts';
import { DEFAULT_LOCK_WAIT_MS } from '../../core/locks/index.ts';
import { readDuration, readOutOfOrder, readTarget } from '../../settings/index.ts';
import type { CommandContext, TargetContext } from './context.ts';
import { progressOn } from './progress.ts';

/** Below it, one lost packet would cost the lease. */
const LEAST_LEASE_MS = 3_000;
export const DEFAULT_LEASE_MS = 30_000;
export const DEFAULT_LEASE_WAIT_MS = 600_000;

/** Reads flags and environment. Throws LS102 with every problem found, those of the caller's own settings first. */
export function targetContext(
  { options, env, terminal, signal }: CommandContext,
  problems: string[] = [],
): TargetContext {
  const settings = readTarget(options, env, problems);
  const leaseDurationMs = readDuration(
    options.leaseDuration,
    { name: '--lease-duration', defaultMs: DEFAULT_LEASE_MS, leastMs: LEAST_LEASE_MS },
    problems,
  );
  const leaseWaitMs = readDuration(
    options.waitTimeout,
    { name: '--wait-timeout', defaultMs: DEFAULT_LEASE_WAIT_MS },
    problems,
  );
  const lockWaitMs = readDuration(
    options.lockWait ?? (env.LOCKSTEP_LOCK_WAIT || undefined),
    { name: '--lock-wait', defaultMs: DEFAULT_LOCK_WAIT_MS },
    problems,
  );
  const outOfOrder = readOutOfOrder(options.outOfOrder, env, problems);
  if (!settings || problems.length > 0) throw configurationError(problems);
  const on = progressOn(terminal, systemClock);
  const limits = { leaseDurationMs, leaseWaitMs, lockWaitMs, outOfOrder };
  const database = { ...settings.database, leavesAtOnce: true };
  return { ...settings, ...limits, database, clock: systemClock, signal, on };
}

/** One line above what is told of a target. */
export const titleOf = ({ target, database }: Pick<TargetContext, 'target' | 'database'>): string =>
  `${target} (database ${database.database} on ${database.host}:${database.port})`;
