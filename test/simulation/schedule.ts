/**
 * One schedule: three to five workers migrate one target at once, each with the product's own `migrate()`, on hosts that
 * crash, stand still, and lose connections and messages; at the end one more, to which nothing happens. Everything that
 * is left to chance comes from the world's seed, so that the same world goes the same way again.
 */
import { asLockstepError, type LockstepError } from '../../lib/core/errors/index.ts';
import { CasLeaseStore, type LeaseStore } from '../../lib/core/lease/index.ts';
import { migrate } from '../../lib/engine/index.ts';
import { loadTurn } from '../../lib/engine/load-turn.ts';
import { randomFrom } from '../support/random.ts';
import { VirtualClock } from '../support/virtual-clock.ts';
import { violationsAfter } from './checks.ts';
import { type Link, simulateLinks } from './client.ts';
import { Host, type HostFaults, NO_FAULTS } from './host.ts';
import type { ServerVariant, Violation } from './invariants.ts';
import { ROWS_AND_INDEX, type SimulatedSet } from './migrations.ts';
import { FaultyRegister, LeaseItem } from './register.ts';
import { type Poison, Server } from './server.ts';

export const TARGET = 'orders';
const LEASE_MS = 30_000;
const LEASE_WAIT_MS = 1_200_000;
/** Nobody who is not stuck takes as long. */
const LONGEST_MS = 3_600_000;

export interface World extends HostFaults {
  readonly seed: number;
  readonly workers: number;
  readonly lease: 'register' | 'postgres';
  /** Longest time of a statement of a migration. */
  readonly sqlMs: number;
  /** How many workers are attempts of one run, as a function that is called again while the first call is under way. */
  readonly attemptsPerHolder: number;
  /** Where one of the last two migrations fails, if one does. */
  readonly poison: Poison['at'] | 'nowhere';
}

/** The program with one of its ports as it must not be. */
export interface Variant {
  readonly server?: ServerVariant;
  readonly rewrite?: (message: string) => string;
  readonly reconnects?: boolean;
  readonly leases?: (store: LeaseStore, item: LeaseItem) => LeaseStore;
  /** Default: rows and an index. */
  readonly set?: SimulatedSet;
}

export interface Worker {
  readonly host: Host;
  readonly holder: string;
  outcome: 'running' | 'succeeded' | LockstepError;
  /** How many migrations were applied when it said so. */
  appliedThen: number;
}

export interface Ended {
  readonly server: Server;
  readonly poison: Poison | undefined;
  readonly item: LeaseItem;
  readonly workers: readonly Worker[];
  readonly healer: Worker;
  /** Of each attempt that was let in. */
  readonly tokens: readonly number[];
  readonly set: SimulatedSet;
}

/** What the program met on the way, so that a search that met nothing is told from one that found nothing. */
export const MEETINGS = ['attempt-repeated', 'session-ended', 'step-healed', 'taken-over'] as const;
export type Meeting = (typeof MEETINGS)[number];

export interface Went {
  readonly violations: readonly Violation[];
  readonly met: ReadonlySet<Meeting>;
  /** In virtual time; with what was sent it tells two schedules apart. */
  readonly endedAtMs: number;
  readonly messages: number;
}

/** Throws when the model does not know what the program sends. */
export async function runSchedule(world: World, variant: Variant = {}): Promise<Went> {
  // Loading takes time that is not the clock's.
  await loadTurn();
  const random = randomFrom(world.seed);
  const { set = ROWS_AND_INDEX } = variant;
  const time = new VirtualClock(random);
  const item = new LeaseItem();
  const { sqlMs, poison: at } = world;
  const revision = set.revisions.at(random() < 0.5 ? -1 : -2)!;
  const poison = at === 'nowhere' ? undefined : { revision, at };
  const server = new Server(time, random, { sqlMs, variant: variant.server ?? {}, poison });
  const tokens: number[] = [];
  const met = new Set<Meeting>();
  const workerOf = (name: string, holder: string, faults: HostFaults): Worker => ({
    host: new Host(name, faults, time, randomFrom(Math.floor(random() * 2 ** 31))),
    holder,
    outcome: 'running',
    appliedThen: 0,
  });
  const workers = Array.from({ length: world.workers }, (_, i) =>
    workerOf(`host-${i}`, `run-${Math.floor(i / world.attemptsPerHolder)}`, world),
  );
  const healer = workerOf('healer', 'run-healer', NO_FAULTS);
  const { rewrite, reconnects } = variant;
  const links: Link[] = [...workers, healer].map(({ host }) => ({ host, server, rewrite, reconnects }));
  const restore = simulateLinks(links);
  const start = async (worker: Worker): Promise<void> => {
    const { host, holder } = worker;
    let writes = 0;
    const newVersion = () => {
      writes += 1;
      return `${host.name}/${writes}`;
    };
    const store = new CasLeaseStore(new FaultyRegister(item, host), newVersion);
    const leases = variant.leases?.(store, item) ?? store;
    try {
      await migrate({
        database: { host: host.name, port: 5432, database: 'app', user: 'app', tls: 'disable' },
        clock: host.clock,
        source: set.source,
        leases: world.lease === 'postgres' ? 'postgres' : leases,
        target: TARGET,
        holder,
        leaseDurationMs: LEASE_MS,
        leaseWaitMs: LEASE_WAIT_MS,
        on: (event) => {
          if (event.kind === 'attempt-begun') tokens.push(event.token);
          if (event.kind === 'lease-acquired' && event.tookOverFrom) met.add('taken-over');
          const meeting = MEETINGS.find((kind) => kind === event.kind);
          if (meeting) met.add(meeting);
        },
      });
      worker.outcome = 'succeeded';
    } catch (error) {
      worker.outcome = asLockstepError(error);
    }
    worker.appliedThen = server.database.entries.length;
  };
  try {
    for (const worker of workers)
      void time.sleep(Math.ceil(random() * 2 * LEASE_MS)).then(() => start(worker));
    await time.run(LONGEST_MS);
    void start(healer);
    await time.run(LONGEST_MS);
  } finally {
    restore();
  }
  if (server.broken) throw server.broken;
  const violations = violationsAfter({ server, poison, item, workers, healer, tokens, set });
  return { violations, met, endedAtMs: time.nowMs(), messages: server.messages };
}
