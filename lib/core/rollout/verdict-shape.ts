/** What all verdicts share: the facts of a run, and lists of names that are cut while their counts stay exact. */
import type { Measurement } from '../plan/measurement.ts';
import type { RunError } from './caught-error.ts';
import { cutList, type Verdict } from './verdict.ts';

export interface RunFacts {
  readonly run: string;
  readonly target: string;
  /** Empty when the bundle could not be read. */
  readonly bundleDigest: string;
  /** Snapshot identifier, if there is one. */
  readonly restorePoint: string | null;
  readonly durationMs: number;
  readonly approvedBy?: string | undefined;
  /** Default none. */
  readonly slowest?: readonly Measurement[] | undefined;
}

/** Migration names, maybe cut, and how many there are. */
export interface NameList {
  readonly names: readonly string[];
  readonly count: number;
}

export const nameList = (names: readonly string[]): NameList => ({ names, count: names.length });

export interface RunEnd extends Pick<Verdict, 'outcome' | 'signal' | 'message' | 'state' | 'next'> {
  readonly applied?: NameList;
  readonly notApplied?: NameList;
  readonly reverted?: readonly string[];
  readonly error?: RunError;
}

export function verdictOf(facts: RunFacts, end: RunEnd): Verdict {
  const { applied = nameList([]), notApplied = nameList([]), reverted = [], error = null, ...texts } = end;
  const { approvedBy, ...known } = facts;
  return {
    ...known,
    ...(approvedBy === undefined ? {} : { approvedBy }),
    durationMs: Math.max(0, Math.round(facts.durationMs)),
    slowest: [...(facts.slowest ?? [])],
    applied: cutList(applied.names),
    appliedCount: applied.count,
    notApplied: cutList(notApplied.names),
    notAppliedCount: notApplied.count,
    reverted: cutList(reverted),
    error,
    ...texts,
  };
}

/** More than this, and a sentence is no sentence any more. */
const MOST_NAMES = 5;

/** `0042_a`, `0042_a and 0043_b`, `12 migrations from 0042_a on`. */
export function inWords({ names, count }: NameList): string {
  if (count > MOST_NAMES) return `${count} migrations from ${names[0]} on`;
  return names.length < 2
    ? (names[0] ?? 'no migration')
    : `${names.slice(0, -1).join(', ')} and ${names.at(-1)}`;
}

export const were = ({ count }: NameList): 'was' | 'were' => (count === 1 ? 'was' : 'were');
