/** The release drops a column, and nobody answers in time. */
import { Duration } from 'aws-cdk-lib';
import { endOf, startRun } from '../demo/stage.ts';
import { approvals, checkRefused } from './approvals.ts';
import { approve, nextRequest, refusalOf, WHO } from './approver.ts';
import { DROPPING } from './releases.ts';
import type { Scenario } from './scenario.ts';
import { release, showVerdict } from './scenes.ts';

export const approvalExpired: Scenario = {
  stack: approvals(Duration.seconds(2)),
  async play(stage) {
    const { narrator, promises, runtime } = stage;
    const newVersion = await release(stage, 'new-version', DROPPING);
    const deployment = runtime.cloud.deploy(newVersion.bundleFile);
    const asked = nextRequest(stage);
    const execution = startRun(stage, deployment);
    const request = await asked;
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
