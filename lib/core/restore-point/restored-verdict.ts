/** The verdict of a run whose restore point was to be brought back: the third one, after "roll out" and "roll back". */
import type { LockstepError } from '../errors/index.ts';
import { whetherToRestore } from '../rollout/sent-back-verdict.ts';
import type { Verdict } from '../rollout/verdict.ts';
import type { RestorationState } from './restoration-store.ts';
import type { RestoreRecord } from './restore-record.ts';

/** What was to be done while a person was asked, without that. */
const answered = ({ next, restorePoint }: Verdict): string =>
  restorePoint === null ? next : next.replace(`${whetherToRestore(restorePoint)} `, '');

type Restored = Extract<RestorationState, { kind: 'available' }>;

export function restoredVerdict(
  verdict: Verdict,
  { source, at, settings: { type } }: RestoreRecord,
  { identifier, host, port }: Restored,
  approvedBy: string | null,
): Verdict {
  const who = approvedBy === null ? 'somebody' : approvedBy;
  return {
    ...verdict,
    restored: { identifier, host, port },
    state: `${verdict.state} As ${who} approved, the data of before the run is in the new ${type} ${identifier}, at ${host}:${port}. ${source} is as it was, and has what was written since ${at}.`,
    next: `Look at the data in ${identifier}, then point the app at ${host}:${port}, or let it take over the name of ${source}: \`lockstep restore plan ${verdict.run}\` has the steps, from the look at the data on. Delete ${identifier} if nobody needs it. ${answered(verdict)}`,
  };
}

/** Why nothing was restored: LS751 or LS752. */
export const notRestoredVerdict = (verdict: Verdict, { code, what, state }: LockstepError): Verdict => ({
  ...verdict,
  state: `${verdict.state} ${code}: ${what} ${state}`,
  next: `${answered(verdict)} \`lockstep restore plan ${verdict.run}\` says how to bring the data back by hand.`,
});
