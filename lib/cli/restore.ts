/**
 * `restore plan` prints how a person brings back the restore point of a run, or, of one that took none, the database as it
 * was when the run began; and what would be lost by that.
 */
import { LockstepError, NOTHING_CHANGED } from '../core/errors/index.ts';
import { stepsToBegin } from '../core/restore-point/noted-begin.ts';
import { type RestoreStep, restoreSteps } from '../core/restore-point/restore-plan.ts';
import { restorePointInWords } from '../core/restore-point/restore-record.ts';
import { type KeptRestorePoint, readRestorePoint } from '../engine/index.ts';
import type { CommandContext, CommandResult } from './frame/context.ts';
import { duration, table } from './frame/format.ts';
import { targetContext } from './frame/target-context.ts';

interface PlanOptions {
  readonly run: string;
}

export async function restorePlan(context: CommandContext<PlanOptions>): Promise<CommandResult> {
  const target = targetContext(context);
  const kept = await readRestorePoint(target, context.options.run);
  const { what, steps } = wayBack(kept);
  const text = [
    what,
    '',
    ...lost(kept),
    '',
    ...steps.flatMap((step, at) => [
      `${at + 1}. ${step.what}`,
      ...(step.command.length === 0 ? [] : [`   ${shellLine(step)}`]),
    ]),
  ];
  return { text: text.join('\n'), json: { target: target.target, ...kept, steps } };
}

interface WayBack {
  readonly what: string;
  readonly steps: readonly RestoreStep[];
}

/** Throws LS720. */
function wayBack({ runId, restorePoint, record, startedAt: at, beganAtLsn: lsn }: KeptRestorePoint): WayBack {
  if (restorePoint === null) {
    const place = lsn === null ? '' : `, at ${lsn} of the write-ahead log`;
    const what = `Run ${runId} took no restore point. It began at ${at}${place}; backups that somebody else keeps may reach to it.`;
    return { what, steps: stepsToBegin({ at, lsn }) };
  }
  if (record === null) throw notKept(runId, restorePoint);
  const which = restorePointInWords(restorePoint, record);
  return { what: `Restore point of run ${runId}: ${which}.`, steps: restoreSteps(restorePoint, record) };
}

function lost({ secondsSince, walBytesSince, entriesSince }: KeptRestorePoint): string[] {
  const volume =
    walBytesSince === null
      ? ''
      : ` (${(walBytesSince / 2 ** 20).toFixed(1)} MiB of write-ahead log since the run began)`;
  const rows = entriesSince.map(({ migration, kind, runId }) => [`  ${migration}`, kind, `by run ${runId}`]);
  const ledger = rows.length === 0 ? '.' : ', and of the ledger:';
  return [
    `Lost by that: all that was written for at least ${duration(secondsSince * 1000)}, by whomever${volume}${ledger}`,
    ...table(rows),
  ];
}

const notKept = (run: string, restorePoint: string): LockstepError =>
  new LockstepError('LS720', {
    what: `The run ${run} has the restore point ${restorePoint}, but how to bring it back is not recorded.`,
    state: NOTHING_CHANGED,
    remedy: 'Restore it in the RDS console, with the settings that the database has now.',
    context: { run },
  });

/** For a POSIX shell. */
function shellLine({ command, repeat }: RestoreStep): string {
  const line = command
    .map((word) => (/^[\w./:=,@+-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`))
    .join(' ');
  return repeat ? `until ${line} >/dev/null 2>&1; do sleep 15; done` : line;
}
