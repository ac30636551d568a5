/** What whoever opens the report is to do now. */
import type { RunSummary } from './run.ts';

/** Sentences, with commands in backticks. */
export function nextSteps(run: RunSummary): readonly string[] {
  switch (run.verdict) {
    case 'applied':
      return ['Nothing is to be done.'];
    case 'reverted':
      return ['What it applied is taken back.', 'Correct what made it fail, and start a new run.'];
    case 'running':
      return [
        '`lockstep status` tells whether it is still at work. If nobody is, the next run goes on where it ended.',
      ];
    case 'failed':
      return afterFailure(run);
    default:
      return run.verdict satisfies never;
  }
}

function afterFailure(run: RunSummary): readonly string[] {
  const { error, restorePoint, runId } = run;
  const code = codeOf(error);
  const runbook = code === undefined ? '' : ` The runbook has a section ${code}.`;
  return [
    `\`lockstep status\` tells what is true of the database now.${runbook}`,
    toGoOn(run),
    ...(restorePoint === null
      ? []
      : [
          `If data was lost: \`lockstep restore plan ${asArgument(runId)}\` prints how to bring it back as it was before.`,
        ]),
  ];
}

function toGoOn({ error, command, runId }: RunSummary): string {
  if (command !== null)
    return wasStopped(error)
      ? 'It was stopped: run the same command again, when its own tool says that it may go on.'
      : 'Correct the cause, then run the same command again, when its own tool says that it may go on.';
  return wasStopped(error)
    ? `Nothing has to be corrected: a new run goes on after the last migration that is applied. \`lockstep down --run ${asArgument(runId)}\` takes back what this one applied, where there are down scripts.`
    : 'Correct the cause, then run `lockstep up` again: it goes on after the last migration that is applied.';
}

/** By somebody, or by what became of its process; nothing that it did is wrong. */
const wasStopped = (error: string | null): boolean =>
  error !== null && [undefined, 'LS605'].includes(codeOf(error));

/** Of an error as a run's row has it: `LS601: …`. An operator's words have none. */
export const codeOf = (error: string | null): string | undefined => /^LS\d{3}(?=: )/.exec(error ?? '')?.[0];

/** People copy it into a shell. */
const asArgument = (runId: string): string => (/^[\w.:@/-]+$/.test(runId) ? runId : 'RUN');
