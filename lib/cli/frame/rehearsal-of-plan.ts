/** What `plan --rehearsal FILE` adds to a plan. */
import { readFile } from 'node:fs/promises';
import { LockstepError, NOTHING_CHANGED } from '../../core/errors/index.ts';
import {
  MISMATCH_IN_WORDS,
  type Mismatch,
  mismatchesOf,
  parseRehearsal,
  type Rehearsal,
} from '../../core/rehearsal/index.ts';
import { readLedgerHead } from '../../engine/rehearsal/index.ts';
import type { TargetContext } from './context.ts';
import { duration } from './format.ts';
import { stepLines, verdictLines, volume } from './rehearsal-lines.ts';

export interface RehearsalOfPlan {
  readonly rehearsal: Rehearsal;
  readonly mismatches: readonly Mismatch[];
  /** Below the plan's head. */
  readonly lines: readonly string[];
  /** Below a migration or object of this name. */
  linesOf(name: string): string[];
}

/** Throws LS103, LS744, LS3xx. */
export async function rehearsalOfPlan(
  file: string,
  { bundleDigest, pending }: { readonly bundleDigest: string; readonly pending: readonly string[] },
  target: TargetContext,
): Promise<RehearsalOfPlan> {
  const rehearsal = parseRehearsal(await read(file), file);
  const mismatches = mismatchesOf(rehearsal, {
    bundleDigest,
    pending,
    ledgerHead: await readLedgerHead(target),
  });
  return {
    rehearsal,
    mismatches,
    lines: [
      `Rehearsed at ${rehearsal.at} on a copy of ${volume(rehearsal.databaseBytes)}: ${duration(rehearsal.durationMs)} in all.`,
      ...verdictLines(rehearsal),
      ...mismatches.map((mismatch) => `Not of this plan: ${MISMATCH_IN_WORDS[mismatch]}.`),
    ],
    linesOf: (name) => rehearsal.steps.filter(({ migration }) => migration === name).flatMap(rehearsedLines),
  };
}

function rehearsedLines(step: Rehearsal['steps'][number]): string[] {
  const of = step.steps === 1 ? '' : `, step ${step.step} of ${step.steps}`;
  return [`rehearsed${of}: ${duration(step.durationMs)}`, ...stepLines(step).map((line) => `  ${line}`)];
}

async function read(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (cause) {
    throw new LockstepError('LS103', {
      what: `${file} cannot be read: ${(cause as Error).message}.`,
      state: NOTHING_CHANGED,
      remedy: 'Give the file that `lockstep rehearse --out` has written.',
      cause,
    });
  }
}
