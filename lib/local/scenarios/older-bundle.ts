/**
 * A stage that rolls back runs its actions again with the artifact of the release before: the workflow starts with an
 * older bundle. That the database is ahead is no failure, and nothing is taken back that nobody asked to take back.
 */
import { runWorkflow } from '../demo/stage.ts';
import { ORDERS, ORDERS_WITH_NOTES } from './releases.ts';
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

export const olderBundle: Scenario = {
  async play(stage) {
    const { narrator, promises } = stage;
    await runWorkflow(stage, await release(stage, 'new-version', ORDERS_WITH_NOTES));
    const before = await entriesOf(stage);
    narrator.tell('pipeline', 'the stage rolls back, and starts the workflow with the release before');
    const run = await runWorkflow(stage, await release(stage, 'old-version', ORDERS));
    showVerdict(stage, run);
    const { verdict, functionCalls, states } = run;
    checkEnd(stage, run, 'SUCCEEDED', 'Roll Out');
    promises.check(
      'the verdict says that the database is ahead, and by what',
      verdict?.outcome === 'ahead' && verdict.message.includes('ahead of this bundle by 0002_create_notes'),
      `${verdict?.outcome}: ${verdict?.message}`,
    );
    checkList(stage, 'nothing was taken back', await tablesOf(stage), ['notes', 'orders']);
    checkList(stage, 'nothing was written to the ledger', await entriesOf(stage), before);
    promises.check(
      'one call of a function was enough: no restore point, no lease',
      functionCalls === 1,
      `${functionCalls}: ${states.join(', ')}`,
    );
    await checkLeaseIsFree(stage);
    return 'ahead by one migration, nothing done, rolled out';
  },
};
