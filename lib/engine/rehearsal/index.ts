/**
 * Applies what is pending to a copy of a database, and measures each step: how long it takes, what it locks and rewrites,
 * how long others wait, how much it writes. Not a part of engine/index.ts, because a function has no use for it.
 *
 * Invariants
 * - The database itself is only read. A copy that is the database itself, under whatever address, is refused, and so is
 *   one whose ledger is another one: a rehearsal on it would say nothing.
 * - The copy is migrated by the same engine in the same way as the database will be; what measures it has sessions of its
 *   own. The lease is the copy's own.
 * - Live instances of the app keep nobody from contracting a copy.
 * - What measures may fail; then there is no result, not one with gaps.
 *
 * Who is authoritative: the copy's ledger and catalogs. What can fail: LS741, what `migrate` throws, and LS301 when a
 * session of those that measure is lost.
 */
import { connect } from '../../adapters/postgres/index.ts';
import { asLockstepError, ErrorName, type LockstepError } from '../../core/errors/index.ts';
import type { RehearsedStep } from '../../core/rehearsal/index.ts';
import { migrate } from '../migrate.ts';
import type { DatabaseConfig, MigrateOptions, Observer } from '../types.ts';
import { lookAtBoth } from './guard.ts';
import { Measuring } from './measuring.ts';
import { Probes } from './probes.ts';

export { isOutdatedCopy, readLedgerHead } from './guard.ts';

export type RehearseOptions = Omit<
  MigrateOptions,
  'leases' | 'opening' | 'forceContract' | 'createDatabase' | 'instance' | 'around'
> & {
  /** That the copy is of. */
  readonly original: DatabaseConfig;
};

export interface RehearseResult {
  readonly ledgerHead: string;
  /** Of the copy, before. */
  readonly databaseBytes: number;
  /** Those that were finished. */
  readonly steps: readonly RehearsedStep[];
  /** What `up` would fail with. */
  readonly error: LockstepError | undefined;
}

const NAME = 'lockstep rehearsal';

/** `database` is the copy. Throws LS741, LS3xx, LS5xx for a plan that is refused, LS605. */
export async function rehearse({ original, ...context }: RehearseOptions): Promise<RehearseResult> {
  const found = await lookAtBoth({ ...context, database: original }, context);
  const { database: config, clock, signal } = context;
  const open = () => connect({ config, clock, signal, applicationName: NAME });
  const session = await open();
  const probes = new Probes(open, clock);
  try {
    const measuring = new Measuring(session, probes, clock);
    const error = await migrateCopy(context, measuring);
    measuring.throwIfFailed();
    return { ...found, steps: measuring.steps, error };
  } finally {
    await probes.end();
    await session.end();
  }
}

/** What it fails with, if that is a migration's own fault. */
async function migrateCopy(
  context: Omit<RehearseOptions, 'original'>,
  measuring: Measuring,
): Promise<LockstepError | undefined> {
  // Those that would be told of are the probes.
  const on: Observer = (event) => (event.kind === 'blocking' ? undefined : context.on?.(event));
  try {
    await migrate({ ...context, on, leases: 'postgres', forceContract: true, around: measuring.around });
    return undefined;
  } catch (thrown) {
    const error = asLockstepError(thrown);
    if (error.name === ErrorName.MigrationFailed) return error;
    throw error;
  }
}
