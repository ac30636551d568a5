/**
 * Names of the lease item's attributes: those of LeaseRecord, as a person sees them in the table. The adapter
 * that writes the item and the construct that creates its table both import them.
 */
export const LeaseAttribute = {
  /** Partition key, a string; the table has no sort key. */
  target: 'target',
  state: 'state',
  holder: 'holder',
  recordVersion: 'recordVersion',
  durationMs: 'durationMs',
  token: 'token',
} as const;
