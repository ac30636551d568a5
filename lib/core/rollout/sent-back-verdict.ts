/** The verdict that a run gets when its roll-out was unhealthy: the second one, after "roll out". */
import { type Failure, failedVerdict } from './failed-verdict.ts';
import type { RollOutProgress } from './follow-roll-out.ts';
import type { Verdict } from './verdict.ts';
import type { RunFacts } from './verdict-shape.ts';

export const ROLL_OUT_POLICIES = ['code-only', 'down', 'restore', 'none'] as const;
/**
 * What becomes of an unhealthy roll-out. `code-only`: the deployment is sent back, the schema stays. `down`: so are the
 * run's migrations, once the old version runs. `restore`: as code-only, and then a person is asked whether the data of
 * before the run is to be brought back, as a new database. `none`: it is only reported.
 */
export type RollOutPolicy = (typeof ROLL_OUT_POLICIES)[number];

type Unhealthy = Pick<RollOutProgress, 'deployment' | 'runs' | 'reason'>;

export interface SentBack extends Pick<Failure, 'ledger' | 'reverted' | 'reversion'> {
  readonly rollOut: Unhealthy;
  readonly policy: RollOutPolicy;
  /** LS705, if the deployment could not be stopped; else null. */
  readonly stopError: string | null;
}

export function sentBackVerdict(facts: RunFacts, sent: SentBack): Verdict {
  const { rollOut, policy, ledger, reverted, reversion } = sent;
  const message = `LS706: The roll-out after the run ${facts.run} was unhealthy: ${rollOut.reason ?? 'for no known reason'}.`;
  const error = { name: 'RollOutError', code: 'LS706', message } as const;
  const verdict = failedVerdict(facts, { error, ledger, reverted, reversion });
  return {
    ...verdict,
    signal: policy === 'none' ? 'NONE' : 'ROLL_BACK',
    state: `${whatRuns(sent)} ${verdict.state}`,
    next: `${whatToDo(sent, facts)} docs/runbook.md explains LS706.`,
  };
}

/** Until somebody has answered. */
export const whetherToRestore = (restorePoint: string): string =>
  `A person is asked whether the restore point ${restorePoint} is to be brought back.`;

function whatRuns({ rollOut: { deployment, runs }, policy, stopError }: SentBack): string {
  if (policy === 'none') return 'Nothing was done about it, as the policy none says.';
  if (stopError !== null) return `${stopError} Which version runs is not known.`;
  switch (runs) {
    case 'old':
      return `The deployment ${deployment} was rolled back, and the old version runs.`;
    case 'new':
      return `The deployment ${deployment} is complete and cannot be stopped any more: the new version runs.`;
    case 'unknown':
      return `The deployment ${deployment} was stopped; which version runs is not known.`;
    default:
      return runs satisfies never;
  }
}

function whatToDo(
  { rollOut: { runs }, policy, ledger, stopError }: SentBack,
  { run, restorePoint }: RunFacts,
): string {
  const isBack = policy !== 'none' && stopError === null && runs === 'old';
  const stays = ledger === undefined || ledger.applied.length > 0;
  return [
    ...(policy === 'restore' && restorePoint !== null ? [whetherToRestore(restorePoint)] : []),
    isBack ? 'Find out what was wrong and release again.' : 'Roll the app back with what deployed it.',
    ...(stays
      ? [`\`lockstep down --run ${run}\` reverts the schema, if the old version does not work with it.`]
      : []),
  ].join(' ');
}
