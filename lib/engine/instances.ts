/**
 * App instances: those that pass the gate record themselves and say from time to time that they are there; a deployer
 * may record others. The only thing that depends on it is whether a contract migration may run (core/plan/instance.ts).
 *
 * Nothing here keeps an app from serving: what cannot be recorded is told to the observer, and tried again.
 */
import type { Session } from '../adapters/postgres/index.ts';
import {
  beat,
  leave,
  type NewInstance,
  putInstance,
  readInstances as readAll,
  removeInstances,
} from '../adapters/postgres/instances.ts';
import { asLockstepError } from '../core/errors/index.ts';
import type { AppInstance, MigrationSource } from '../core/plan/index.ts';
import { type ExclusiveOptions, runExclusively } from './exclusively.ts';
import { LOOK, withSession } from './open-session.ts';
import type { EngineContext, InstanceIdentity } from './types.ts';

const HEARTBEAT = 'lockstep heartbeat';
/** The next beat comes soon enough, and a process that ends should not be kept from it. */
const CONNECT_BUDGET_MS = 5_000;

/** What a bundle makes of an instance. */
export function builtWith(source: MigrationSource, { id, name, everyMs }: InstanceIdentity): NewInstance {
  const { catalog, digest: bundleDigest } = source;
  const contracts = catalog.filter(({ phase }) => phase === 'contract').map(({ revision }) => revision);
  return { id, name, everyMs, head: catalog.at(-1)?.revision ?? '0', contracts, bundleDigest };
}

export interface Announcing extends Pick<EngineContext, 'on'> {
  readonly source: MigrationSource;
  readonly instance?: InstanceIdentity | undefined;
}

/** On the session that found the schema ready. Never throws. */
export async function announce(session: Session, { source, instance, on }: Announcing): Promise<void> {
  if (!instance) return;
  try {
    await beat(session, builtWith(source, instance));
  } catch (error) {
    on?.({ kind: 'instance-not-recorded', error: asLockstepError(error) });
  }
}

/** Repeats work until it is stopped, which waits for what is under way; see adapters/process/background.ts. */
export type Repeat = (work: () => Promise<void>, pauseMs: () => number) => { stop(): Promise<void> };

export interface HeartbeatOptions extends EngineContext {
  readonly source: MigrationSource;
  readonly instance: InstanceIdentity;
  readonly repeat: Repeat;
}

/** Each beat is a connection of its own, so that hundreds of instances hold none. */
export function keepHeard(options: HeartbeatOptions): { leave(): Promise<void> } {
  const { instance, clock, on, repeat } = options;
  const database = { ...options.database, connectBudgetMs: CONNECT_BUDGET_MS };
  const row = builtWith(options.source, instance);
  let isTold = false;
  const say = async (what: (session: Session) => Promise<void>): Promise<void> => {
    try {
      await withSession({ database, clock }, HEARTBEAT, what);
      isTold = false;
    } catch (error) {
      if (!isTold) on?.({ kind: 'instance-not-recorded', error: asLockstepError(error) });
      isTold = true;
    }
  };
  // Always somewhat sooner: those that began together are not to beat together.
  const pauseMs = () => instance.everyMs * (0.75 + clock.random() / 4);
  const beating = repeat(() => say((session) => beat(session, row)), pauseMs);
  let left: Promise<void> | undefined;
  return {
    leave: () => {
      left ??= beating.stop().then(() => say((session) => leave(session, row.id)));
      return left;
    },
  };
}

/** All that are recorded, also those that have fallen silent. Throws LS3xx. */
export const readInstances = (context: EngineContext): Promise<readonly AppInstance[]> =>
  withSession(context, LOOK, readAll);

export interface AddInstanceOptions extends ExclusiveOptions {
  readonly name: string;
  /** What it was built with; or only the head of that. */
  readonly built: MigrationSource | string;
}

/** By the deployer's word, until it is removed; gives its head. Makes the ledger, if there is none yet. Throws LS3xx, LS40x. */
export async function addInstance(options: AddInstanceOptions): Promise<string> {
  const { name, built } = options;
  const identity = { id: `deployer/${name}`, name, everyMs: 0 };
  const instance =
    typeof built === 'string'
      ? { ...identity, head: built, contracts: null, bundleDigest: '' }
      : builtWith(built, identity);
  await runExclusively<true>(options, {
    look: async (session) => (await putInstance(session, instance)) || undefined,
    work: async ({ session }) => {
      await putInstance(session, instance);
      return true;
    },
  });
  return instance.head;
}

/** All of this name, whoever recorded them; gives their number. Throws LS3xx. */
export const removeInstance = (context: EngineContext, name: string): Promise<number> =>
  withSession(context, LOOK, (session) => removeInstances(session, name));
