/** Verdicts of runs that did not fail. The texts are for the person who opens the execution. */
import { NOTHING_CHANGED } from '../errors/index.ts';
import type { Verdict } from './verdict.ts';
import { inWords, type NameList, nameList, type RunFacts, verdictOf, were } from './verdict-shape.ts';

/**
 * @param appliedCount how many are applied in the database, by whomever
 * @param applied by this run, whose plan was made anew after it had lost the lease
 */
export const nothingPendingVerdict = (facts: RunFacts, appliedCount: number, applied: NameList): Verdict =>
  verdictOf(facts, {
    outcome: 'nothing-pending',
    signal: 'ROLL_OUT',
    applied,
    message:
      applied.count === 0
        ? 'Nothing was pending.'
        : `${inWords(applied)} ${were(applied)} applied, and others did the rest.`,
    state: `Everything that was asked for is applied (${appliedCount} in all).`,
    next: 'Roll out.',
  });

export const aheadVerdict = (facts: RunFacts, ahead: readonly string[]): Verdict =>
  verdictOf(facts, {
    outcome: 'ahead',
    signal: 'ROLL_OUT',
    message: `Nothing was pending; the database is ahead of this bundle by ${inWords(nameList(ahead))}.`,
    state: 'Nothing was changed: a database that is ahead is never taken back implicitly.',
    next: 'Roll out, if this older version works with the newer schema; `lockstep down` takes the schema back.',
  });

export const dryRunVerdict = (facts: RunFacts, pending: NameList): Verdict =>
  verdictOf(facts, {
    outcome: 'dry-run',
    signal: 'NONE',
    notApplied: pending,
    message:
      pending.count === 0 ? 'Dry run: nothing is pending.' : `Dry run: ${inWords(pending)} would be applied.`,
    state: NOTHING_CHANGED,
    next: 'Start a run without dryRun to apply what is pending.',
  });

export const appliedVerdict = (facts: RunFacts, applied: NameList): Verdict =>
  verdictOf(facts, {
    outcome: 'applied',
    signal: 'ROLL_OUT',
    applied,
    message: `${inWords(applied)} ${were(applied)} applied.`,
    state: 'Everything that was asked for is applied.',
    next: 'Roll out.',
  });
