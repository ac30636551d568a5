/** The release drops a column, and nobody answers in time. */
import { Duration } from 'aws-cdk-lib';
import { endOf } from '../demo/stage.ts';
import { approvals, checkRefused } from './approvals.ts';
import { approve, refusalOf, releaseAsking, WHO } from './approver.ts';
import type { Scenario } from './scenario.ts';
import { showVerdict } from './scenes.ts';

export const approvalExpired: Scenario = {
  stack: approvals(Duration.seconds(2)),
  async play(stage) {
    const { narrator, promises } = stage;
    const { deployment, execution, request } = await releaseAsking(stage);
    narrator.tell(WHO, 'is asked, and does not see it');
    const run = await endOf(stage, deployment, execution);
    showVerdict(stage, run);
    narrator.tell(WHO, 'sees it, and approves');
    const late = await refusalOf(approve(stage, request));
    promises.check('an answer that comes too late does not count', late === 'TaskTimedOut', late);
    await checkRefused(stage, run, 'LS711');
    return 'nobody answered, refused before anything was done, rolled back';
  },
};
