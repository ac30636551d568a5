/**
 * A statement outside a transaction whose start is journalled and whose end is not: what a crash left.
 *
 * A `started` that was never followed by `done` is settled by its postcondition: true already, then it is done; half
 * true, then it is finished or taken away (effect.ts); false, then the statement runs again; not to be told, then
 * LS603 says what to look at. One that was true before the statement ran tells nothing: then it runs again, too.
 */
import { LockstepError } from '../../core/errors/index.ts';
import { migrationName } from '../../core/plan/index.ts';
import { type Change, checkFence, deleteJournal, stepSha256 } from './change.ts';
import { effectOf } from './effect.ts';
import type { JournalStep } from './ledger.ts';
import { type AttemptLimits, limitMs, recordDone } from './run-alone.ts';
import type { Session } from './session.ts';

export interface Settled {
  /** `edited`: it is done, and the file says something else now. */
  readonly outcome: 'done' | 'undone' | 'edited';
  /** For people. */
  readonly how: string;
}

/**
 * Settles a step whose start is journalled and whose end is not, by the postcondition that was journalled: the file
 * may have been edited since. What turns out to be done is recorded so, if the file still says the same; of anything
 * else no trace is left. Throws LS306, LS603, LS604.
 */
export async function settleStarted(
  session: Session,
  change: Change,
  begun: JournalStep,
  attempt: AttemptLimits,
): Promise<Settled> {
  const { postcondition, before } = begun;
  if (postcondition === null || postcondition.kind === 'unknown') throw untold(change, begun.step);
  const effect = await effectOf(session, postcondition, before ?? undefined);
  if (effect.kind === 'broken') await effect.mend(limitMs(change, attempt));
  const isFinished = effect.kind === 'broken' && effect.mendedBy === 'finishing';
  if (isFinished || (effect.kind === 'whole' && !before?.held)) {
    const how = isFinished
      ? `an earlier attempt had begun it: finished (${effect.found})`
      : 'an earlier attempt had done it';
    const step = change.steps[begun.step];
    if (!step || begun.sha256 !== stepSha256(change, step)) return { outcome: 'edited', how };
    await recordDone(session, change, step);
    return { outcome: 'done', how };
  }
  await session.query(`${checkFence(change)}; ${deleteJournal(change, begun.step)}`);
  const left =
    effect.kind === 'broken'
      ? `what an earlier attempt left was removed (${effect.found})`
      : 'an earlier attempt had begun it, and left nothing';
  return { outcome: 'undone', how: left };
}

function untold(change: Change, step: number): LockstepError {
  const name = migrationName(change);
  return new LockstepError('LS603', {
    what: `Whether step ${step + 1} of ${name} did its work cannot be told from the catalogs.`,
    state:
      'It was begun, outside a transaction, and its end is not recorded; what came before it in the file is done.',
    remedy: `Look whether its effect is there: if so, set the state of its row in lockstep.journal to \`done\`; if not, delete that row. Then run the same command again.`,
    context: { revision: change.revision, step },
  });
}
