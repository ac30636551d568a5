/** Something is pending: restore point, lease, migrations, and then roll out is signalled. */
import { StateName } from '../../core/workflow/index.ts';
import { runWorkflow } from '../demo/stage.ts';
import { plural } from '../demo/words.ts';
import { ORDERS_WITH_NOTES } from './releases.ts';
import type { Scenario } from './scenario.ts';
import {
  checkEnd,
  checkLeaseIsFree,
  checkList,
  entriesOf,
  release,
  showVerdict,
  tablesOf,
} from './scenes.ts';

export const success: Scenario = {
  takesRestorePoints: true,
  async play(stage) {
    const { promises } = stage;
    const newVersion = await release(stage, 'new-version', ORDERS_WITH_NOTES);
    const run = await runWorkflow(stage, newVersion);
    showVerdict(stage, run);
    const { states, verdict } = run;
    promises.check(
      'the restore point was there before the lease was taken',
      typeof verdict?.restorePoint === 'string' &&
        states.lastIndexOf(StateName.TakeRestorePoint) < states.indexOf(StateName.AcquireLease),
      `${verdict?.restorePoint}; ${states.join(', ')}`,
    );
    checkList(stage, 'each migration is applied, once and in order', await entriesOf(stage), [
      '0001 applied',
      '0002 applied',
    ]);
    checkList(stage, 'the tables are there', await tablesOf(stage), ['notes', 'orders']);
    checkEnd(stage, run, 'SUCCEEDED', 'Roll Out');
    await checkLeaseIsFree(stage);
    return `${plural(verdict?.appliedCount ?? 0, 'migration')} applied, rolled out`;
  },
};
