/** The verdict as a message to a person, who may read it on a phone. */
import type { Verdict } from './verdict.ts';

export interface Notice {
  /** At most 100 printable ASCII characters, which is what the subject of an SNS message may have. */
  readonly subject: string;
  readonly text: string;
}

const LONGEST_SUBJECT = 100;
const WORDS = { ROLL_OUT: 'roll out', ROLL_BACK: 'ROLL BACK', NONE: 'dry run' } as const;

export function noticeOf(verdict: Verdict): Notice {
  const { target, signal, message, state, next, run, restorePoint, durationMs } = verdict;
  const subject = `Lockstep: ${WORDS[signal]} ${target}`.replaceAll(/[^\x20-\x7e]/g, '?');
  const facts = [
    `Target: ${target}`,
    `Run: ${run} (${Math.round(durationMs / 1000)} s)`,
    ...(verdict.appliedCount > 0 ? [`Applied: ${listed(verdict.applied, verdict.appliedCount)}`] : []),
    ...(verdict.reverted.length > 0 ? [`Reverted: ${verdict.reverted.join(', ')}`] : []),
    ...(verdict.notAppliedCount > 0
      ? [`Not applied: ${listed(verdict.notApplied, verdict.notAppliedCount)}`]
      : []),
    ...(verdict.approvedBy === undefined ? [] : [`Approved by: ${verdict.approvedBy}`]),
    ...(restorePoint ? [`Restore point: ${restorePoint}`] : []),
    ...(verdict.report ? [`Report: ${verdict.report.url}`] : []),
    ...(verdict.warnings ?? []).map((warning) => `Warning: ${warning}`),
  ];
  return {
    subject: subject.slice(0, LONGEST_SUBJECT),
    text: [message, state, `What to do: ${next}`, '', ...facts].join('\n'),
  };
}

const MOST_NAMES = 20;

function listed(names: readonly string[], count: number): string {
  const shown = names.slice(0, MOST_NAMES);
  return count > shown.length ? `${shown.join(', ')} and ${count - shown.length} more` : shown.join(', ');
}
