/**
 * The gate for Node apps: an instance calls it before it serves, and serves only when the schema is ready.
 *
 *   migrateOnStartup   apply what is pending, or find that another instance has; for apps that start by themselves
 *   waitForSchema      only wait; for apps whose migrations a pipeline, a workflow or a job applies
 *   holdRequests       answer health checks meanwhile, and let requests through when one of the two is done
 *
 * Invariants: however many instances call it at once, each migration is applied once; when the promise is
 * fulfilled, everything in these migrations is applied, except contract ones that were not to be applied yet; a
 * database that is ahead of them (the app was rolled back) is ready. Who is authoritative: the ledger.
 *
 * LOCKSTEP_MIGRATE in the environment decides without a change of code: `run`, `wait`, or `off` (return at once; for
 * tests and for tools that load the app). Without it migrateOnStartup runs, but on a platform that is known to run many
 * instances (lib/core/gate) it waits, and tells the observer so.
 *
 * What can fail: everything is thrown as a LockstepError, with a code of the catalogue, the state of the
 * database and what to do next: LS102 to LS210 (settings, migrations), LS3xx (database), LS401 and LS405 (time
 * is over), LS50x (drift), LS6xx (a migration failed). Let it end the process: the deployer keeps the old one.
 */
import cluster from 'node:cluster';
import { hostname } from 'node:os';
import { configurationError } from './adapters/postgres/config.ts';
import { inBackground } from './adapters/process/background.ts';
import { systemClock } from './adapters/process/clock.ts';
import { LockstepError } from './core/errors/index.ts';
import { chooseMode, clusteredDeployment, GATE_MODES, type GateChoice } from './core/gate/index.ts';
import type { MigrationSource, OutOfOrderPolicy } from './core/plan/index.ts';
import {
  type EngineContext,
  type InstanceIdentity,
  keepHeard,
  type MigrateOptions,
  type MigrateResult,
  migrate,
  type Observer,
  type WaitResult,
  waitUntilApplied,
  whileConnecting,
} from './engine/index.ts';
import {
  type MigrationsLocation,
  newHolder,
  openLeases,
  openSource,
  readOutOfOrder,
  readTarget,
  type TargetOptions,
  type TargetSettings,
} from './settings/index.ts';

export { holdRequests, type RequestGate } from './adapters/process/hold-requests.ts';
export type { DatabaseConfig, EngineEvent, MigrateResult, Observer, WaitResult } from './engine/index.ts';
export { LockstepError };

export interface GateOptions extends MigrationsLocation, TargetOptions {
  /** For how long to wait for others: their lease, or their migrations. Default 10 minutes. */
  readonly timeoutMs?: number;
  /** Revisions below the highest one that is applied. Else LOCKSTEP_OUT_OF_ORDER, else `refuse`. */
  readonly outOfOrder?: OutOfOrderPolicy;
  /** Ends the wait and cancels SQL that runs. */
  readonly signal?: AbortSignal;
  /** Told what goes on, for the app's own log. */
  readonly on?: Observer;
  /** How often this instance says that it is alive, so that contract migrations wait for it. Default 30 s; 0: never. */
  readonly heartbeatMs?: number;
}

export interface StartupOptions extends GateOptions {
  /** Silence after which a holder is taken over. Default 30 s. */
  readonly leaseDurationMs?: number;
  /** `expand` leaves contract migrations to somebody else. Default: all phases. */
  readonly phase?: 'expand';
}

/** An instance that shuts down says so; of one that only ends it shows after three heartbeats. Never throws. */
export interface Present {
  leave(): Promise<void>;
}

export type WaitOutcome = Present & ({ readonly mode: 'off' } | ({ readonly mode: 'wait' } & WaitResult));
export type StartupOutcome = WaitOutcome | (Present & { readonly mode: 'run' } & MigrateResult);

const DEFAULT_TIMEOUT_MS = 600_000;
const DEFAULT_LEASE_MS = 30_000;
const DEFAULT_HEARTBEAT_MS = 30_000;

/** Waits until everything but contract migrations is applied. With LOCKSTEP_MIGRATE=off it returns at once. Throws LockstepError. */
export async function waitForSchema(options: GateOptions = {}): Promise<WaitOutcome> {
  const { mode } = understood(chooseMode(process.env.LOCKSTEP_MIGRATE || 'wait', undefined));
  return mode === 'off' ? { mode, ...ABSENT } : wait(options);
}

/** Applies what is pending, or waits, or does nothing, as LOCKSTEP_MIGRATE says, else the platform. Throws LockstepError. */
export async function migrateOnStartup(options: StartupOptions = {}): Promise<StartupOutcome> {
  const deployment = clusteredDeployment(process.env, cluster.isWorker);
  const choice = understood(chooseMode(process.env.LOCKSTEP_MIGRATE, deployment));
  if (choice.kind === 'left-to-others') return waitForOthers(options, choice.deployment);
  switch (choice.mode) {
    case 'off':
      return { mode: 'off', ...ABSENT };
    case 'wait':
      return wait(options);
    case 'run':
      return run(options);
    default:
      return choice satisfies never;
  }
}

async function waitForOthers(options: GateOptions, deployment: string): Promise<WaitOutcome> {
  options.on?.({ kind: 'left-to-others', deployment });
  try {
    return await wait(options);
  } catch (error) {
    if (!(error instanceof LockstepError) || error.code !== 'LS405') throw error;
    const { what, state, context } = error;
    throw new LockstepError('LS405', {
      what,
      state,
      remedy: `On ${deployment} an app only waits, unless LOCKSTEP_MIGRATE=run is set: set it, or migrate in a job before the deployment.`,
      context,
      cause: error,
    });
  }
}

async function wait(options: GateOptions): Promise<WaitOutcome> {
  const { database, outOfOrder } = readSettings(options);
  const { signal, on, timeoutMs = DEFAULT_TIMEOUT_MS } = options;
  const context = { database, clock: systemClock, on, source: await openSource(options) };
  const instance = newInstance(options);
  const result = await waitUntilApplied({
    ...context,
    phase: 'expand',
    outOfOrder,
    signal,
    timeoutMs,
    instance,
  });
  return { mode: 'wait', ...result, ...present(context, instance) };
}

async function run(options: StartupOptions): Promise<StartupOutcome> {
  const { database, target, lease, outOfOrder } = readSettings(options);
  const { phase, signal, on } = options;
  const { timeoutMs = DEFAULT_TIMEOUT_MS, leaseDurationMs = DEFAULT_LEASE_MS } = options;
  const connecting = { database, clock: systemClock, on };
  const instance = newInstance(options);
  const prepare = async () => ({ source: await openSource(options), leases: await openLeases(lease) });
  return whileConnecting({ ...connecting, signal }, prepare, async ({ source, leases }, opening) => {
    const context = { ...connecting, source };
    const result = await migrateOrExpand({
      ...context,
      target,
      leases,
      holder: newHolder(),
      leaseDurationMs,
      leaseWaitMs: timeoutMs,
      phase,
      outOfOrder,
      signal,
      instance,
      opening,
    });
    return { mode: 'run', ...result, ...present(context, instance) };
  });
}

/** What older instances may need stays for as long as they live: a start that failed on it would keep them alive. */
async function migrateOrExpand(options: MigrateOptions): Promise<MigrateResult> {
  try {
    return await migrate(options);
  } catch (error) {
    if (!(error instanceof LockstepError) || error.code !== 'LS510') throw error;
    options.on?.({ kind: 'contract-held-back', error });
    return migrate({ ...options, phase: 'expand' });
  }
}

const ABSENT: Present = { leave: async () => undefined };

function newInstance({ heartbeatMs = DEFAULT_HEARTBEAT_MS }: GateOptions): InstanceIdentity | undefined {
  if (heartbeatMs === 0) return undefined;
  return { id: newHolder(), name: `${hostname()}:${process.pid}`, everyMs: heartbeatMs };
}

function present(
  context: EngineContext & { readonly source: MigrationSource },
  instance: InstanceIdentity | undefined,
): Present {
  return instance ? keepHeard({ ...context, instance, repeat: inBackground }) : ABSENT;
}

function understood(choice: GateChoice): Exclude<GateChoice, { kind: 'not-understood' }> {
  if (choice.kind !== 'not-understood') return choice;
  throw configurationError([`LOCKSTEP_MIGRATE=${choice.given} is none of ${GATE_MODES.join(', ')}`]);
}

function readSettings(options: GateOptions): TargetSettings & { readonly outOfOrder: OutOfOrderPolicy } {
  const problems: string[] = [];
  const settings = readTarget(options, process.env, problems);
  const outOfOrder = readOutOfOrder(options.outOfOrder, process.env, problems);
  if (!settings || problems.length > 0) throw configurationError(problems);
  return { ...settings, outOfOrder };
}
