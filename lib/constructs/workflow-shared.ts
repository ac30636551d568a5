/** States that both machines have: the workflow, and the one that follows a roll-out. */
import { StateName } from '../core/workflow/state-name.ts';
import type { AnyStateName, Catcher, TaskStates } from './workflow-task.ts';

/** Goes on to `next` although the state failed; the error stays readable in the state. */
export const goOnTo = (next: AnyStateName): Catcher => ({
  ErrorEquals: ['States.ALL'],
  ResultPath: '$.ignoredError',
  Next: next,
});

export const leaseStates = (
  { invoke }: TaskStates<'acquire-lease'>,
  acquired: AnyStateName,
  failed: Catcher,
) => ({
  [StateName.AcquireLease]: invoke('acquire-lease', {
    comment: 'Tries once to acquire the lease on the database.',
    parameters: { 'lease.$': '$.lease' },
    resultPath: '$.lease',
    next: StateName.LeaseObtained,
    catchers: [failed],
  }),
  [StateName.LeaseObtained]: {
    Type: 'Choice',
    Comment: 'If not, the output of the state before says who holds it (heldBy).',
    Choices: [{ Variable: '$.lease.acquired', BooleanEquals: true, Next: acquired }],
    Default: StateName.WaitForLease,
  },
  [StateName.WaitForLease]: {
    Type: 'Wait',
    Comment: 'Someone else migrates this database. A holder that stays silent is taken over from by itself.',
    SecondsPath: '$.lease.waitSeconds',
    Next: StateName.AcquireLease,
  },
});

/** With what the verdict says. */
export const FAILED = {
  Type: 'Fail',
  Comment: 'The cause says what happened, what is true of the database now, and what to do next.',
  ErrorPath: '$.verdict.error.name',
  CausePath: "States.Format('{} {} {}', $.verdict.message, $.verdict.state, $.verdict.next)",
} as const;
