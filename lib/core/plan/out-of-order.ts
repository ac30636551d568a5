/**
 * What becomes of a pending revision that is too late, because one above it is applied: `refuse`, the plan is refused;
 * `allow`, it is applied all the same, in ascending order with the others that are pending.
 */
export const OUT_OF_ORDER_POLICIES = ['refuse', 'allow'] as const;
export type OutOfOrderPolicy = (typeof OUT_OF_ORDER_POLICIES)[number];
