import * as z from 'zod';
import { LockstepError, NOTHING_CHANGED } from '../errors/index.ts';
import { sha256 } from '../plan/catalog.ts';
import { oneLine } from './one-line.ts';
import { APPROVAL_POLICIES, asksOverBudget } from './policy.ts';

/** Of the functions; absent where nobody is asked. */
export const approvalSettingSchema = z.object({
  when: z.enum(APPROVAL_POLICIES),
  /** How long an answer may take. */
  timeoutSeconds: z.number().int().positive(),
});
export type ApprovalSetting = z.infer<typeof approvalSettingSchema>;

/** Part of the workflow's state, where there is a policy. */
export const approvalSchema = z.object({
  status: z.enum(['not-needed', 'needed', 'approved']),
  /** Of the plan that it is about. */
  planDigest: z.string(),
  /** Who approved, as they call themselves; null while nobody did, or when they did not say. */
  by: z.string().nullable(),
  /** While it is needed: the message, up to the task token and behind it. */
  request: z.object({ subject: z.string(), before: z.string(), after: z.string() }).optional(),
  /** What came with SendTaskSuccess: any JSON. */
  answer: z.unknown().optional(),
  /** What Catch puts there: of SendTaskFailure, of the time-out, or of a request that could not be sent. */
  failure: z.object({ Error: z.string(), Cause: z.string().optional() }).optional(),
});
export type Approval = z.infer<typeof approvalSchema>;

/** What a plan would do, as far as an approval is bound to it. */
export interface PlanContent {
  readonly bundleDigest: string;
  /** All of them, in order. */
  readonly pending: readonly string[];
  readonly toRevision: string | null;
  readonly phase: string | null;
  readonly forceContract: boolean;
}

export const planDigest = ({
  bundleDigest,
  pending,
  toRevision,
  phase,
  forceContract,
}: PlanContent): string => sha256(JSON.stringify([bundleDigest, pending, toRevision, phase, forceContract]));

export interface Approved {
  readonly planDigest: string;
  readonly by: string | null;
}

/**
 * What was approved so far in this run.
 * Throws LS710 when somebody refused, LS711 when nobody answered in time, LS712 when nobody could be asked.
 */
export function approvedSoFar(previous: Approval | undefined): Approved | undefined {
  if (!previous) return undefined;
  const { status, planDigest, by, failure } = previous;
  if (failure) throw notApproved(failure);
  switch (status) {
    case 'approved':
      return { planDigest, by };
    case 'needed':
      return 'answer' in previous ? { planDigest, by: nameIn(previous.answer) } : undefined;
    case 'not-needed':
      return undefined;
    default:
      return status satisfies never;
  }
}

/** Whether a plan waits for a person, with whatever was approved before it was made. */
export function approvalOf(
  { when }: ApprovalSetting,
  plan: { readonly digest: string; readonly isDestructive: boolean; readonly isOverBudget: boolean },
  approved: Approved | undefined,
): Approval {
  const { digest, isDestructive, isOverBudget } = plan;
  if (approved?.planDigest === digest) return { status: 'approved', ...approved };
  const isNeeded = when === 'always' || isDestructive || (isOverBudget && asksOverBudget(when));
  return { status: isNeeded ? 'needed' : 'not-needed', planDigest: digest, by: null };
}

const LONGEST_NAME = 100;

/** Of `{"by": "Ann"}`; nobody is made to say who they are, CloudTrail knows. */
export function nameIn(answer: unknown): string | null {
  const by = (answer as { by?: unknown } | null)?.by;
  return typeof by === 'string' && by.trim() !== '' ? oneLine(by, LONGEST_NAME) : null;
}

const LONGEST_REASON = 500;
const NOTHING_BEGUN = `${NOTHING_CHANGED} No restore point was taken, and no lease.`;

type Failure = NonNullable<Approval['failure']>;

/** Why nobody said yes to `what` (`the plan`), as a sentence. */
export function refusalOf(what: string, { Error: name, Cause: cause = '' }: Failure) {
  const reason = oneLine(cause, LONGEST_REASON).replace(/\.$/, '');
  if (name === 'States.Timeout') return { kind: 'expired', why: `Nobody approved ${what} in time.` } as const;
  // Names of AWS's own: of the service that could not send it, or of the state machine.
  if (/^(SNS|States)\./.test(name)) {
    const why = `The request for approval could not be sent: ${name}${reason === '' ? '' : `: ${reason}`}.`;
    return { kind: 'not-sent', why } as const;
  }
  const refused = `${what.charAt(0).toUpperCase()}${what.slice(1)} was refused`;
  const why = reason === '' ? `${refused}, without a reason.` : `${refused}: ${reason}.`;
  return { kind: 'refused', why } as const;
}

const NOT_APPROVED = {
  expired: ['LS711', 'Start a new run, which asks again.'],
  'not-sent': ['LS712', 'Check the topic, its policy and its key, then start a new run.'],
  refused: ['LS710', 'Change the migrations, or start a new run, which asks again.'],
} as const;

function notApproved(failure: Failure): LockstepError {
  const { kind, why: what } = refusalOf('the plan', failure);
  const [code, remedy] = NOT_APPROVED[kind];
  return new LockstepError(code, { what, state: NOTHING_BEGUN, remedy });
}
