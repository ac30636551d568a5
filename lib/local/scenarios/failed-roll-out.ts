/**
 * The new version fails while its deployment bakes in ECS, which takes it back. When the old version runs again, what
 * the run has applied is reverted, as the policy says.
 */

import { checkSentBack, followed, rollOut } from './roll-outs.ts';
import type { Scenario } from './scenario.ts';
import { checkList, tablesOf } from './scenes.ts';

export const failedRollOut: Scenario = {
  stack: followed('down'),
  async play(stage) {
    const rollingOut = await rollOut(stage);
    stage.narrator.tell('ECS', 'takes it back in its bake time: tasks of the new version have failed');
    const { deployments } = stage.runtime.cloud.deployers;
    deployments.set(rollingOut.deployment, 'ROLLBACK_REQUESTED', 'tasks failed to start');
    await checkSentBack(stage, rollingOut, [
      '0001 applied',
      '0002 applied',
      '0002 reverted',
      '0001 reverted',
    ]);
    checkList(stage, 'the tables of the new version are gone', await tablesOf(stage), []);
    return 'rolled out, taken back by ECS in its bake time, reverted, rolled back';
  },
};
