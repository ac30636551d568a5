/** What a run makes of the rehearsal that it was given in its input, before it does anything. */
import * as z from 'zod';
import { LockstepError, NOTHING_CHANGED } from '../errors/index.ts';
import { duration } from '../words.ts';
import {
  type Excess,
  type Mismatch,
  mismatchesOf,
  rehearsalSchema,
  rehearsedStepSchema,
} from './document.ts';

/** What counts of the document; the rest is for people. */
export const givenRehearsalSchema = rehearsalSchema
  .pick({ bundleDigest: true, ledgerHead: true, verdict: true, excesses: true, error: true })
  .extend({ steps: z.array(rehearsedStepSchema.pick({ migration: true })) });
export type GivenRehearsal = z.infer<typeof givenRehearsalSchema>;

export interface Planned {
  readonly bundleDigest: string;
  readonly ledgerHead: string;
  /** Names of all that is to be applied. */
  readonly pending: readonly string[];
}

export interface Gate {
  /** Of this very plan. */
  readonly isRequired: boolean;
  /** Whether a person decides over one that is above its budget. */
  readonly isAsked: boolean;
}

/**
 * What a person has to decide about; empty if nothing. One that is of another plan says nothing.
 * Throws LS742 when it failed, LS743 when it is above its budget and nobody is asked, LS745.
 */
export function admit(
  given: GivenRehearsal | undefined,
  planned: Planned,
  { isRequired, isAsked }: Gate,
): readonly Excess[] {
  const mismatches = given ? mismatchesOf(given, planned) : undefined;
  if (!given || mismatches?.length !== 0) {
    if (isRequired) throw notRehearsed(mismatches);
    return [];
  }
  switch (given.verdict) {
    case 'within-budget':
      return [];
    case 'over-budget':
      if (isAsked) return given.excesses;
      throw refused(
        'LS743',
        `its rehearsal is over its budget: ${given.excesses.map(excessInWords).join('; ')}`,
      );
    case 'failed':
      throw refused(
        'LS742',
        `it fails on a copy: ${given.error?.what.replace(/\.$/, '') ?? 'for an unknown reason'}`,
      );
    default:
      return given.verdict satisfies never;
  }
}

/** What it says of another plan than this one. */
export const MISMATCH_IN_WORDS: Readonly<Record<Mismatch, string>> = {
  bundle: 'the migrations were other ones when it was rehearsed',
  ledger: 'the database was migrated since it was rehearsed, or it is another one',
  pending: 'not all that is pending was rehearsed',
};

export function excessInWords(excess: Excess): string {
  switch (excess.kind) {
    case 'duration':
      return `it takes ${duration(excess.durationMs)}, longer than ${duration(excess.limitMs)}`;
    case 'blocked':
      return `${excess.migration} keeps ${excess.who} of ${excess.relation} waiting for ${duration(excess.longestMs)}, longer than ${duration(excess.limitMs)}`;
    case 'not-probed':
      return `for how long ${excess.migration} keeps others from ${excess.relation} could not be measured`;
    default:
      return excess satisfies never;
  }
}

const refused = (code: 'LS742' | 'LS743', why: string): LockstepError =>
  new LockstepError(code, {
    what: `The plan is not carried out: ${why}.`,
    state: NOTHING_CHANGED,
    remedy: 'Change the migrations and rehearse them again, or rehearse with a larger budget.',
  });

/** @param mismatches undefined when none was given */
const notRehearsed = (mismatches: readonly Mismatch[] | undefined): LockstepError =>
  new LockstepError('LS745', {
    what: `The plan is not carried out, because it was not rehearsed: ${
      mismatches
        ? mismatches.map((mismatch) => MISMATCH_IN_WORDS[mismatch]).join('; ')
        : 'the input has no rehearsal'
    }.`,
    state: NOTHING_CHANGED,
    remedy:
      'Rehearse on a new copy, and start a run with the result as its input: `lockstep rehearse --on URL --out rehearsal.json`.',
  });
