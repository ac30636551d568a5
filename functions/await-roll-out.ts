/**
 * Await roll-out: one look at the deployment that follows a run; the workflow waits between two of them, and looks at
 * the alarms before each. It only looks: what is to be done about it, the workflow does.
 *
 * Which deployment: the one that the run is a part of, if a hook of it asked for the run; else the first one that is
 * made after the first look, which comes before roll out is signalled. Who is authoritative: the deployer. What can
 * fail: LS704; nothing was done then.
 */
import { followRollOut, ofAnother, rollOutProgressSchema } from '../lib/core/rollout/index.ts';
import { awaitRollOutInputSchema } from '../lib/core/workflow/index.ts';
import { deploymentsOf } from './_runtime/deployments.ts';
import { handlerFor } from './_runtime/handler.ts';
import { readSettings } from './_runtime/settings.ts';

export const handler = handlerFor({
  name: 'await-roll-out',
  input: awaitRollOutInputSchema,
  output: rollOutProgressSchema,
  runId: ({ run }) => run.id,
  async run({ follow, limits, request, rollOut: previous, alarms }, { log }) {
    const { target } = readSettings(['target']);
    const deployments = deploymentsOf(follow);
    const { after = await deployments.newestAt() } = previous;
    // Those that are there at the first look belong to somebody else.
    const newer = async () => (previous.after === undefined ? undefined : deployments.madeAfter(after));
    const id = previous.deployment ?? request.deployment ?? (await newer());
    const deployment = id === undefined ? undefined : await deployments.read(id);
    if (id !== undefined && !deployment) return ofAnother(previous, id);
    const ringing = [...(alarms?.MetricAlarms ?? []), ...(alarms?.CompositeAlarms ?? [])];
    const look = { deployment, ringing: ringing.map(({ AlarmName }) => AlarmName) };
    const next = followRollOut({ ...previous, after }, look, limits);
    const { deployment: found, status, reason } = next;
    log.info('the roll-out', { target, deployment: found, status, reason });
    return next;
  },
});
