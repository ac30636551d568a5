/**
 * The states that rehearse, between the plan and everything that the run does. However a rehearsal ends, its copy is
 * removed: on the way to Check rehearsal, which makes the plan again and decides, or on the way to Roll back. That a copy
 * could not be removed stops nothing: the schedule removes it.
 */
import type { Duration } from 'aws-cdk-lib';
import { type RehearsalFunctionName, StateName } from '../core/workflow/state-name.ts';
import { goOnTo } from './workflow-shared.ts';
import {
  type AslState,
  type Catcher,
  ROLL_BACK,
  type TaskProps,
  type TaskStates,
  taskStates,
} from './workflow-task.ts';

export interface RehearsalState {
  readonly functionArns: Readonly<Record<RehearsalFunctionName, string>>;
  readonly functionTimeouts: Readonly<Record<RehearsalFunctionName, Duration>>;
}

const REMOVE_COPY: Catcher = { ...ROLL_BACK, Next: StateName.RemoveCopyAfterFailure };
const COPY = { 'copy.$': '$.rehearsal.copy' };

/** @param next when no rehearsal is needed any more */
export function rehearsalStates(
  { invoke: invokeCommon }: TaskStates,
  props: TaskProps,
  rehearsal: RehearsalState,
  again: Readonly<Record<string, unknown>>,
  next: StateName,
) {
  const { invoke } = taskStates({ ...props, ...rehearsal });
  return {
    [StateName.RehearsalNeeded]: {
      Type: 'Choice',
      Comment: 'What was rehearsed already, by this run or before, is not rehearsed again.',
      Choices: [{ Variable: '$.rehearsal.status', StringEquals: 'needed', Next: StateName.MakeCopy }],
      Default: next,
    } satisfies AslState,
    [StateName.MakeCopy]: invoke('make-copy', {
      comment: 'Begins a copy of the database, or looks how far it is. The database itself is only read.',
      parameters: COPY,
      resultPath: '$.rehearsal.copy',
      next: StateName.CopyReady,
      catchers: [REMOVE_COPY],
    }),
    [StateName.CopyReady]: {
      Type: 'Choice',
      Comment: 'Ready when it can be logged in to.',
      Choices: [{ Variable: '$.rehearsal.copy.status', StringEquals: 'ready', Next: StateName.Rehearse }],
      Default: StateName.WaitForCopy,
    } satisfies AslState,
    [StateName.WaitForCopy]: {
      Type: 'Wait',
      Comment:
        'The copy is being made. Stopping the run here is harmless; the copy is removed when it expires.',
      SecondsPath: '$.rehearsal.copy.waitSeconds',
      Next: StateName.MakeCopy,
    } satisfies AslState,
    [StateName.Rehearse]: invoke('rehearse', {
      comment: 'Applies what is pending to the copy, and measures it.',
      parameters: {
        ...COPY,
        plan: {
          'toRevision.$': '$.plan.toRevision',
          'phase.$': '$.plan.phase',
          'bundle.$': '$.plan.bundle',
        },
      },
      resultPath: '$.rehearsal.result',
      next: StateName.RemoveCopy,
      catchers: [REMOVE_COPY],
    }),
    [StateName.RemoveCopy]: invoke('remove-copies', {
      comment: 'The copy is not needed any more. If it cannot be removed, the schedule tries again.',
      parameters: COPY,
      resultPath: null,
      next: StateName.CheckRehearsal,
      catchers: [goOnTo(StateName.CheckRehearsal)],
    }),
    [StateName.CheckRehearsal]: invokeCommon('plan', {
      comment:
        'Makes the plan again, and holds it to what was measured. One that has changed is rehearsed anew.',
      parameters: { 'request.$': '$$.Execution.Input', ...again },
      next: StateName.AnythingPending,
      catchers: [ROLL_BACK],
    }),
    [StateName.RemoveCopyAfterFailure]: invoke('remove-copies', {
      comment: 'Whatever there is of the copy. If it cannot be removed, the schedule tries again.',
      parameters: COPY,
      resultPath: null,
      next: StateName.RollBack,
      catchers: [goOnTo(StateName.RollBack)],
    }),
  };
}
