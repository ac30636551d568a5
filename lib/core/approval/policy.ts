/**
 * Which plans wait for a person: those with a destructive step; also those whose rehearsal is over its budget; all that
 * have something to do.
 */
export const APPROVAL_POLICIES = ['destructive', 'over-budget', 'always'] as const;
export type ApprovalPolicy = (typeof APPROVAL_POLICIES)[number];

/** Whether a person decides over a plan that is over its budget; it is refused otherwise. */
export const asksOverBudget = (when: ApprovalPolicy | undefined): boolean =>
  when === 'over-budget' || when === 'always';

/** What the commands in the message fail the task with; any other name refuses as well. */
export const REFUSED = 'Refused';
