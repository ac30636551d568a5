/** Which plans wait for a person: those with a destructive step, or all that have something to do. */
export const APPROVAL_POLICIES = ['destructive', 'always'] as const;
export type ApprovalPolicy = (typeof APPROVAL_POLICIES)[number];

/** What the commands in the message fail the task with; any other name refuses as well. */
export const REFUSED = 'Refused';
