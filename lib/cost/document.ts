/** The tables of docs/cost.md. */
import { type Cost, costOf, costOfRollOut, type FollowingMachine, type Machine, totalOf } from './cost.ts';
import { MOST_EVENTS } from './history.ts';
import { AS_OF, PRICES, REGION } from './prices.ts';
import {
  HEALTHY_ROLL_OUT,
  LONGEST_ROLL_OUT,
  longestInFunctions,
  longestInTask,
  NOTHING_TO_DO,
  TYPICAL,
} from './runs.ts';
import { ASSUMED_SECONDS } from './script.ts';

export interface Machines {
  /** With every default. */
  readonly byDefault: Machine;
  /** With the longest limits that are allowed, copies, a container for long work, and roll-outs that are followed. */
  readonly atItsLimits: Machine;
  /** With every default of the option. */
  readonly following: FollowingMachine;
  /** With the longest limits, and everything that can be done. */
  readonly followingAtItsLimits: FollowingMachine;
}

type Row = readonly [what: string, show: (cost: Cost) => string];

const count = (value: number): string => value.toLocaleString('en-US', { maximumFractionDigits: 1 });
const money = (dollars: number): string => (dollars === 0 ? '–' : `$${dollars.toFixed(6)}`);

const USED: readonly Row[] = [
  ['duration', ({ walk }) => duration(walk.seconds)],
  ['state transitions', ({ used }) => count(used.transitions)],
  ['events in the history', ({ historyEvents }) => count(historyEvents)],
  ['calls of functions', ({ used }) => count(used.calls)],
  ['GB-seconds of functions', ({ used }) => count(used.gbSeconds)],
  ['writes to DynamoDB', ({ used }) => count(used.writes)],
  ['reads from DynamoDB', ({ used }) => count(used.reads)],
  ['vCPU-hours of Fargate', ({ used }) => count(used.vcpuHours)],
  ['looks at alarms', ({ used }) => count(used.looksAtAlarms)],
  ['events to EventBridge', ({ used }) => count(used.events)],
];

const PAID: readonly Row[] = [
  ['Step Functions', ({ dollars }) => money(dollars.transitions)],
  ['Lambda', ({ dollars }) => money(dollars.calls + dollars.gbSeconds)],
  ['DynamoDB', ({ dollars }) => money(dollars.writes + dollars.reads)],
  ['Fargate', ({ dollars }) => money(dollars.vcpuHours + dollars.gbHours)],
  ['CloudWatch', ({ dollars }) => money(dollars.looksAtAlarms)],
  ['EventBridge', ({ dollars }) => money(dollars.events)],
  ['**together**', (cost) => `**${money(totalOf(cost))}**`],
];

/** Markdown, without the markers. */
export async function costTables(machines: Machines): Promise<string> {
  const { byDefault, atItsLimits, following, followingAtItsLimits } = machines;
  const { leaseWaitSeconds } = atItsLimits;
  const costs = new Map([
    ['nothing to do', await costOf(byDefault, NOTHING_TO_DO)],
    ['typical', await costOf(byDefault, TYPICAL)],
    ['longest, in functions', await costOf(atItsLimits, longestInFunctions(leaseWaitSeconds))],
    ['longest, in a task', await costOf(atItsLimits, longestInTask(leaseWaitSeconds))],
    ['roll-out, typical', await costOfRollOut(following, HEALTHY_ROLL_OUT)],
    ['roll-out, longest', await costOfRollOut(followingAtItsLimits, LONGEST_ROLL_OUT)],
  ]);
  const most = Math.max(...[...costs.values()].map(({ historyEvents }) => historyEvents));
  return [
    'What a run uses:',
    table(costs, USED),
    `The longest history has ${count(most)} of the ${count(MOST_EVENTS)} events that it may have.`,
    'What that costs, in US dollars:',
    table(costs, PAID),
    `With these list prices of ${REGION}, as of ${AS_OF}, without free tiers:`,
    priceTable(),
    `Assumed: Plan takes ${ASSUMED_SECONDS.plan} s, another call that waits for nothing ${ASSUMED_SECONDS.otherCall} s.`,
  ].join('\n\n');
}

function table(costs: ReadonlyMap<string, Cost>, rows: readonly Row[]): string {
  return lines([
    ['', ...costs.keys()],
    ['---', ...[...costs].map(() => '---:')],
    ...rows.map(([what, show]) => [what, ...[...costs.values()].map(show)]),
  ]);
}

const priceTable = (): string =>
  lines([
    ['price', 'for', 'where to check it', 'read in'],
    ['---:', '---', '---', '---'],
    ...Object.values(PRICES).map(({ dollars, per, unit, page, read }) => [
      `$${dollars}`,
      `${count(per)} ${unit}`,
      `<${page}>`,
      read,
    ]),
  ]);

const lines = (rows: readonly (readonly string[])[]): string =>
  rows.map((cells) => `| ${cells.join(' | ')} |`).join('\n');

function duration(seconds: number): string {
  const minutes = Math.round(seconds / 60);
  if (minutes === 0) return `${Math.round(seconds)} s`;
  return minutes < 60 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

const BEGIN = '<!-- begin: npm run cost -- --write -->';
const END = '<!-- end -->';

/** The document with these tables in the place of those that it has. Throws if it has no markers. */
export function withTables(document: string, tables: string): string {
  const [before, rest] = cut(document, BEGIN);
  const [, after] = cut(rest, END);
  return `${before}${BEGIN}\n\n${tables}\n\n${END}${after}`;
}

function cut(text: string, marker: string): [string, string] {
  const at = text.indexOf(marker);
  if (at < 0) throw new Error(`The document has no ${marker}`);
  return [text.slice(0, at), text.slice(at + marker.length)];
}
