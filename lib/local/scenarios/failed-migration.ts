/** The last migration fails. It leaves no trace, those before it are reverted, and the old version stays. */
import { runWorkflow } from '../demo/stage.ts';
import { plural } from '../demo/words.ts';
import { MISSPELT } from './releases.ts';
import type { Scenario } from './scenario.ts';
import {
  checkEnd,
  checkLeaseIsFree,
  checkList,
  entriesOf,
  release,
  showFailure,
  tablesOf,
} from './scenes.ts';

export const failedMigration: Scenario = {
  async play(stage) {
    const newVersion = await release(stage, 'new-version', MISSPELT);
    const run = await runWorkflow(stage, newVersion);
    const error = await showFailure(stage, run, newVersion.migrations);
    checkList(
      stage,
      'the two before it were applied and reverted, and it has no entry',
      await entriesOf(stage),
      ['0001 applied', '0002 applied', '0002 reverted', '0001 reverted'],
    );
    checkList(stage, 'nothing of the release is in the database', await tablesOf(stage), []);
    const { file, line, column } = error?.position ?? {};
    stage.promises.check(
      'the error names file, line and column',
      `${file}:${line}:${column}` === '0003_mark_late_orders.sql:3:7',
      `${file}:${line}:${column}`,
    );
    checkEnd(stage, run, 'FAILED', 'Roll Back');
    await checkLeaseIsFree(stage);
    return `the third failed, ${plural(run.verdict?.reverted.length ?? 0, 'migration')} reverted, rolled back`;
  },
};
