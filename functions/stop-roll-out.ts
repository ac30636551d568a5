/**
 * Stop roll-out: has the deployer stop the deployment and bring the old version back. May be called again; a deployment
 * that has ended meanwhile is left alone. What can fail: LS705.
 */
import { rollOutProgressSchema, sendingBack } from '../lib/core/rollout/index.ts';
import { stopRollOutInputSchema } from '../lib/core/workflow/index.ts';
import { deploymentsOf } from './_runtime/deployments.ts';
import { handlerFor } from './_runtime/handler.ts';
import { readSettings } from './_runtime/settings.ts';

export const handler = handlerFor({
  name: 'stop-roll-out',
  input: stopRollOutInputSchema,
  output: rollOutProgressSchema,
  runId: ({ run }) => run.id,
  async run({ follow, limits, rollOut }, { log }) {
    const { target } = readSettings(['target']);
    const { deployment, reason } = rollOut;
    if (deployment !== null) await deploymentsOf(follow).sendBack(deployment);
    log.info('the deployment was sent back', { target, deployment, reason });
    return sendingBack(rollOut, limits);
  },
});
