/** Release lease: whatever this execution holds. A lease that was taken over meanwhile is left alone. */
import { releaseLeaseInputSchema, releaseLeaseOutputSchema } from '../lib/core/workflow/index.ts';
import { handlerFor } from './_runtime/handler.ts';
import { leaseStore } from './_runtime/lease.ts';
import { readSettings } from './_runtime/settings.ts';

export const handler = handlerFor({
  name: 'release-lease',
  input: releaseLeaseInputSchema,
  output: releaseLeaseOutputSchema,
  runId: ({ run }) => run.id,
  async run({ run }) {
    const { target, leaseTable } = readSettings(['target', 'leaseTable']);
    // Token 0 releases whatever attempt minted last: the execution has decided that no attempt of its own goes
    // on, and one that still runs somewhere finds at its next renewal that the lease is gone.
    const lease = { target, holder: run.execution, durationMs: 0, token: 0 };
    return { released: (await leaseStore(leaseTable).release(lease)) === 'released' };
  },
});
