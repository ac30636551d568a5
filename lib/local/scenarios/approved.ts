/**
 * The release drops a column. A person approves it, but somebody has applied a part of it meanwhile: the plan is another
 * one, and is asked about again. The second answer lets the run go on.
 */
import { endOf } from '../demo/stage.ts';
import { approvals } from './approvals.ts';
import { approve, nextRequest, refusalOf, releaseAsking, showRequest, WHO } from './approver.ts';
import { ORDERS } from './releases.ts';
import type { Scenario } from './scenario.ts';
import { applyWithCommand, checkEnd, checkLeaseIsFree, checkList, entriesOf, showVerdict } from './scenes.ts';

export const approved: Scenario = {
  stack: approvals(),
  async play(stage) {
    const { narrator, promises } = stage;
    const { deployment, execution, request: first } = await releaseAsking(stage);
    showRequest(stage, first);
    checkList(stage, 'nothing is done while a person is asked', await entriesOf(stage), []);
    narrator.tell('somebody', 'applies 0001_create_orders with the command meanwhile');
    await applyWithCommand(stage, 'old-version', ORDERS);

    const askedAgain = nextRequest(stage);
    narrator.tell(WHO, 'approves');
    await approve(stage, first);
    const second = await askedAgain;
    promises.check(
      'the plan had become another one, so it was asked about again',
      first.text.includes('0001_create_orders') && !second.text.includes('0001_create_orders'),
      second.text,
    );
    const late = await refusalOf(approve(stage, first));
    promises.check('the first answer, sent again, does not count', late === 'TaskTimedOut', late);
    narrator.tell(WHO, 'approves that, too');
    await approve(stage, second);

    const run = await endOf(stage, deployment, execution);
    showVerdict(stage, run);
    checkEnd(stage, run, 'SUCCEEDED', 'Roll Out');
    promises.check(
      `the verdict says that ${WHO} approved`,
      run.verdict?.approvedBy === WHO,
      run.verdict?.approvedBy,
    );
    checkList(stage, 'each migration is applied, once', await entriesOf(stage), [
      '0001 applied',
      '0002 applied',
    ]);
    await checkLeaseIsFree(stage);
    return 'asked, asked again because the plan had changed, approved, rolled out';
  },
};
