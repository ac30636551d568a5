/**
 * What a run costs, and how long its history becomes: counted by walking through the state machine as CDK synthesizes
 * it, never from a list that someone keeps beside it.
 *
 *   template ─► definition ─┐
 *   outcomes ─► script ─────┴─► walk ─► visits ─► events of the history, transitions, calls, GB-seconds
 *                 └─► lease, over a register that counts ─► writes, reads      × prices ─► dollars
 *
 * Invariants
 * - A new state of a known type counts by itself. A type, an operator of a Choice or a service that is not known is an
 *   error; so is a new task that a run comes to and whose answer the script does not have.
 * - Waits are as long as the functions' own code says; the lease is kept by its own code.
 * - Everything but synthesize.ts is pure.
 *
 * Who is authoritative: the template, for states, memory and limits; a test compares the walk with the engine that runs
 * the same definition locally. Assumed are only durations of calls (script.ts, runs.ts) and prices (prices.ts).
 */
export { type Cost, costOf, costOfRollOut, type FollowingMachine, type Machine, totalOf } from './cost.ts';
export { CountedLease, renewalsIn } from './counted-lease.ts';
export type { Definition } from './definition.ts';
export { costTables, type Machines, withTables } from './document.ts';
export { eventsOf, MOST_EVENTS, transitionsOf } from './history.ts';
export { ROLL_OUT_INPUT, rollOutScript } from './roll-out-script.ts';
export * from './runs.ts';
export { type Outcomes, scriptOf } from './script.ts';
export { type Answer, type Script, type Visit, type Walk, walk } from './walk.ts';
