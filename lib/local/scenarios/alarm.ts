/**
 * An alarm rings while the new version rolls out. The deployment is stopped and rolled back; the schema stays, because
 * the old version works with it, and what was to be contracted is not.
 */

import { ALARM, checkSentBack, followed, rollOut } from './roll-outs.ts';
import type { Scenario } from './scenario.ts';
import { checkList, tablesOf } from './scenes.ts';

export const alarm: Scenario = {
  stack: followed('code-only'),
  async play(stage) {
    const rollingOut = await rollOut(stage);
    stage.narrator.tell('CloudWatch', `the alarm ${ALARM} rings`);
    stage.runtime.cloud.alarms.ringing.add(ALARM);
    await checkSentBack(stage, rollingOut, ['0001 applied', '0002 applied']);
    checkList(stage, 'the schema stays', await tablesOf(stage), ['notes', 'orders']);
    return 'rolled out, stopped because an alarm rang, rolled back; the schema stays';
  },
};
