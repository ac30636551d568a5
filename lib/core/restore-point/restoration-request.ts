/** The message that asks a person whether a restore point is to be brought back, after a roll-out that was unhealthy. */
import { type ApprovalRequest, messageOf } from '../approval/request.ts';
import type { Verdict } from '../rollout/verdict.ts';
import { type RestorationRequest, restoredName } from './restoration-store.ts';
import { restorePointInWords } from './restore-record.ts';

export interface RestorationQuestion extends RestorationRequest {
  /** Of the run, when its roll-out had been sent back. */
  readonly verdict: Verdict;
  /** ARN of the execution that asks. */
  readonly execution: string;
  readonly timeoutSeconds: number;
}

export function restorationRequest(question: RestorationQuestion): ApprovalRequest {
  const { target, record, restorePoint, verdict, execution, timeoutSeconds } = question;
  const { source, settings, at } = record;
  return messageOf({
    subject: `Lockstep: bring the data of ${target} back to ${at}?`,
    execution,
    about: [
      `The roll-out after the run ${verdict.run} of ${target} was unhealthy. The data as it was before`,
      'the run can be brought back, as a new database beside the old one, which is left as it is.',
      '',
      verdict.message,
      verdict.state,
      '',
      `Restore point: ${restorePointInWords(restorePoint, record)}`,
      `To be made: the ${settings.type} ${restoredName(question)}, with what ${source} had then`,
      `Not in it: all that was written since ${at}, by whomever. How much that is:`,
      `lockstep restore plan ${verdict.run}`,
      'The new database costs as much as the old one until somebody deletes it.',
      '',
    ],
    more: [],
    soFar: 'Nothing is restored yet',
    otherwise: 'nothing is restored',
    timeoutSeconds,
  });
}
