import type { RollOutLimits } from '../core/rollout/index.ts';
import { CountedLease } from './counted-lease.ts';
import type { Definition } from './definition.ts';
import { eventsOf, transitionsOf } from './history.ts';
import { type Item, PRICES } from './prices.ts';
import { ROLL_OUT_INPUT, type RollOutOutcomes, rollOutScript } from './roll-out-script.ts';
import { type Outcomes, scriptOf } from './script.ts';
import { type Visit, type Walk, walk } from './walk.ts';

/** A machine, and what its tasks run on. */
export interface Machine {
  readonly definition: Definition;
  /** Of the functions that tasks call, by ARN. */
  readonly memoryMb: ReadonlyMap<string, number>;
  /** Of the container for long work; undefined without one. */
  readonly container: { readonly vcpu: number; readonly memoryMb: number } | undefined;
  readonly leaseDurationSeconds: number;
  readonly leaseWaitSeconds: number;
}

/** The machine that follows roll-outs. */
export interface FollowingMachine extends Machine {
  readonly limits: RollOutLimits;
}

export interface Cost {
  readonly walk: Walk;
  /** Events of the execution's history. */
  readonly historyEvents: number;
  /** How much of what is paid for. */
  readonly used: Readonly<Record<Item, number>>;
  readonly dollars: Readonly<Record<Item, number>>;
}

export async function costOf(machine: Machine, outcomes: Outcomes): Promise<Cost> {
  const lease = new CountedLease(machine.leaseDurationSeconds);
  const script = scriptOf(outcomes, { lease, leaseWaitSeconds: machine.leaseWaitSeconds });
  return costOfWalk(await walk(machine.definition, script), machine, lease);
}

export async function costOfRollOut(machine: FollowingMachine, outcomes: RollOutOutcomes): Promise<Cost> {
  const lease = new CountedLease(machine.leaseDurationSeconds);
  const { leaseWaitSeconds, limits } = machine;
  const script = rollOutScript(outcomes, { lease, leaseWaitSeconds, limits });
  return costOfWalk(await walk(machine.definition, script, ROLL_OUT_INPUT), machine, lease);
}

function costOfWalk(walked: Walk, machine: Machine, lease: CountedLease): Cost {
  const used = { transitions: transitionsOf(walked), ...lease.counts, ...usedByTasks(walked, machine) };
  return { walk: walked, historyEvents: eventsOf(walked).length, used, dollars: dollarsFor(used) };
}

function usedByTasks({ visits }: Walk, machine: Machine) {
  const used = { calls: 0, gbSeconds: 0, vcpuHours: 0, gbHours: 0, events: 0, looksAtAlarms: 0 };
  for (const visit of visits.filter(({ type }) => type === 'Task')) add(used, visit, machine);
  return used;
}

type Used = ReturnType<typeof usedByTasks>;

function add(used: Used, { state, resource = '', tries }: Visit, { memoryMb, container }: Machine): void {
  const seconds = tries.reduce((sum, each) => sum + each.seconds, 0);
  const ofFunction = memoryMb.get(resource);
  if (ofFunction !== undefined) {
    used.calls += tries.length;
    used.gbSeconds += (seconds * ofFunction) / 1024;
  } else if (resource.endsWith(':states:::events:putEvents')) {
    used.events += tries.length;
  } else if (resource.endsWith(':states:::ecs:runTask.sync') && container) {
    used.vcpuHours += (seconds / 3600) * container.vcpu;
    used.gbHours += ((seconds / 3600) * container.memoryMb) / 1024;
  } else if (resource.endsWith(':states:::aws-sdk:cloudwatch:describeAlarms')) {
    used.looksAtAlarms += tries.length;
  } else if (!resource.endsWith(':states:::states:startExecution')) {
    // Starting an execution costs its own transitions, and nothing more.
    throw new Error(`What the task ${state} (${resource}) costs is not known`);
  }
}

function dollarsFor(used: Record<Item, number>): Record<Item, number> {
  const each = Object.entries(used).map(([item, amount]) => {
    const { dollars, per } = PRICES[item as Item];
    return [item, (amount * dollars) / per];
  });
  return Object.fromEntries(each) as Record<Item, number>;
}

export const totalOf = ({ dollars }: Pick<Cost, 'dollars'>): number =>
  Object.values(dollars).reduce((sum, each) => sum + each, 0);
