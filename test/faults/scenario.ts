/**
 * A scenario is a schedule of processes and faults. It gives the invariants that were violated: none for the program
 * as it is; for one that lost the protection which the schedule is about, the one that is protected.
 *
 * Nothing depends on how fast a process is: a schedule goes on when a process has stopped, ended, or waits where it
 * was meant to. Only what a lease's duration means is waited for by the clock.
 */
import type { TestContext } from 'vitest';
import { contentOf } from '../cli/database-content.ts';
import type { Edit } from './edit.ts';
import type { LeaseKind } from './fault.ts';
import type { FaultyProcess } from './faulty-process.ts';
import { unless, type Violation } from './invariants.ts';
import type { Fault } from './places.ts';
import type { World } from './world.ts';

export interface Scenario {
  readonly name: string;
  /** Its place in the table of faults; absent: it is not about one point. */
  readonly strikes?: { readonly point: string; readonly fault: Fault; readonly class: RecoveryClass };
  readonly run: (
    context: TestContext,
    edits: readonly Edit[],
    /** Told how long it took from the fault until everything was applied. */
    recovered?: (ms: number) => void,
  ) => Promise<Violation[]>;
}

/** What a recovery takes depends on how soon others, or the server, may take the holder for gone. */
export type RecoveryClass = 'idle' | 'busy' | 'leased' | 'frozen' | 'connection';

export function classOf(kind: 'SIGKILL' | 'SIGSTOP', lease: LeaseKind, isBusy: boolean): RecoveryClass {
  if (kind === 'SIGSTOP') return 'frozen';
  if (lease === 'dynamodb') return 'leased';
  return isBusy ? 'busy' : 'idle';
}

/** Longer than any take-over; a process that has not ended by then is stuck. A mutant that is stuck stays so. */
const LIMIT_MS = 20_000;
const LIMIT_OF_MUTANT_MS = 9_000;
export const limitIn = ({ edits }: World): number => (edits.length > 0 ? LIMIT_OF_MUTANT_MS : LIMIT_MS);

/** A process that has to reach its end and to find everything applied. */
export async function succeeds(world: World, process: FaultyProcess): Promise<Violation[]> {
  const ended = await process.endedWithin(limitIn(world));
  return unless(ended?.exitCode === 0, 'ends', ended ?? `stuck; it said:\n${process.told}`);
}

/** A stopped process that had nothing yet: it goes on like one that comes later. */
export function goesOnLater(world: World, stopped: FaultyProcess): Promise<Violation[]> {
  stopped.signal('SIGCONT');
  return succeeds(world, stopped);
}

/** A stopped process that has been replaced: what it does from now on must leave no trace. */
export async function goesOnInVain(world: World, stopped: FaultyProcess): Promise<Violation[]> {
  const before = await contentAndLease(world);
  stopped.signal('SIGCONT');
  const found = await succeeds(world, stopped);
  const after = await contentAndLease(world);
  const gone = before.filter((line) => !after.includes(line));
  const come = after.filter((line) => !before.includes(line));
  const isSame = before.join('\n') === after.join('\n');
  return [...found, ...unless(isSame, 'inert', { gone, come })];
}

/** Everything that a process could change, in lines. */
async function contentAndLease({ url, leases, target }: World): Promise<string[]> {
  const content = [await contentOf(url), await leases?.read(target)];
  return JSON.stringify(content, undefined, 1).split('\n');
}
