import { OUT_OF_ORDER_POLICIES, type OutOfOrderPolicy } from '../core/plan/out-of-order.ts';

/** The option, else LOCKSTEP_OUT_OF_ORDER, else `refuse`. */
export function readOutOfOrder(
  given: string | undefined,
  env: NodeJS.ProcessEnv,
  problems: string[],
): OutOfOrderPolicy {
  const text = given ?? (env.LOCKSTEP_OUT_OF_ORDER || 'refuse');
  const policy = OUT_OF_ORDER_POLICIES.find((p) => p === text);
  if (!policy)
    problems.push(`the policy for out of order, ${text}, is none of ${OUT_OF_ORDER_POLICIES.join(', ')}`);
  return policy ?? 'refuse';
}
