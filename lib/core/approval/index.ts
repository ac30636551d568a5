/**
 * Approval: a plan that deletes something, or every plan, waits for a person before the run does anything.
 *
 * Invariants
 * - An approval is of one plan: the same migrations, in the same bundle, under the same limits. After the wait the plan
 *   is made again; one that has changed is asked about again.
 * - Nothing is done while a person is asked: no restore point, no lease, no session of the database.
 * - Whatever is not an approval refuses: a refusal, no answer in time, a request that could not be sent.
 * - The answer is a call of AWS's API, with the rights of who makes it. The name that comes with it is what they wrote.
 *
 * Who is authoritative: Step Functions for whether and how a token was answered; IAM for who may. What can fail: LS710,
 * LS711, LS712.
 */
export * from './approval.ts';
export { asksOverBudget } from './policy.ts';
export * from './request.ts';
