import { LockstepError, NOTHING_CHANGED } from '../errors/index.ts';
import { migrationName } from './catalog.ts';
import { instancesInWords } from './instance.ts';
import type { Plan, PlanProblem } from './plan.ts';

/** The error for a plan that is refused, made from its first problem; undefined for any other plan. */
export function refusal(plan: Plan): LockstepError | undefined {
  const [first] = plan.problems;
  if (!first) return undefined;
  const more = plan.problems.length > 1 ? ` (and ${plan.problems.length - 1} more)` : '';
  const instances = first.kind === 'needed' ? { instances: first.by.length } : {};
  const context = { revision: first.revision, problems: plan.problems.length, ...instances };
  return new LockstepError(CODES[first.kind], { ...explain(first, more), state: NOTHING_CHANGED, context });
}

const CODES = {
  abandoned: 'LS612',
  drift: 'LS501',
  gap: 'LS502',
  missing: 'LS503',
  unprepared: 'LS511',
  needed: 'LS510',
} as const;

function explain(problem: PlanProblem, more: string): { what: string; remedy: string } {
  const name = migrationName(problem);
  switch (problem.kind) {
    case 'abandoned':
      return {
        what: `${name} is half applied, and these migrations lack it${more}.`,
        remedy:
          'Put its file back, and `lockstep up` finishes it. If it is to go for good, undo by hand what it did, and delete its rows from lockstep.journal.',
      };
    case 'drift':
      return {
        what: `${name} was edited after it was applied${more}.`,
        remedy:
          'Restore the file as it was applied and put the change into a new migration; `lockstep repair` shows what differs.',
      };
    case 'gap':
      return {
        what: `${name} is not applied, but ${problem.highestApplied} above it is${more}.`,
        remedy: `Give the file a revision above ${problem.highestApplied}, or, if its effect is there already, record it with \`lockstep stamp ${problem.revision}\`; \`--out-of-order allow\` applies it all the same.`,
      };
    case 'missing':
      return {
        what: `${name} is applied, but the bundle lacks it although it has later ones${more}.`,
        remedy: 'Put the file back as it was applied; deploy from a checkout that has it.',
      };
    case 'unprepared':
      return {
        what: `${name} is not applied, and contract migrations above it are asked for${more}.`,
        remedy: 'Apply it with `lockstep up --phase expand`, roll the app out, then contract.',
      };
    case 'needed': {
      const { length } = problem.by;
      return {
        what: `${name} takes away what ${length} app instance${length === 1 ? '' : 's'} may still need: ${instancesInWords(problem.by)}${more}.`,
        remedy:
          'Wait until they are gone (`lockstep instances list`), leave it for later with `--phase expand`, or, if they do not need it, use `--force-contract`.',
      };
    }
    default:
      return problem satisfies never;
  }
}
