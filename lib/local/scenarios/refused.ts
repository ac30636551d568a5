/** The release drops a column, and the person who is asked says no. */
import { endOf, startRun } from '../demo/stage.ts';
import { approvals, checkRefused } from './approvals.ts';
import { nextRequest, refuse, showRequest, WHO } from './approver.ts';
import { DROPPING } from './releases.ts';
import type { Scenario } from './scenario.ts';
import { release, showVerdict } from './scenes.ts';

const WHY = 'not on a Friday';

export const refused: Scenario = {
  stack: approvals(),
  async play(stage) {
    const newVersion = await release(stage, 'new-version', DROPPING);
    const deployment = stage.runtime.cloud.deploy(newVersion.bundleFile);
    const asked = nextRequest(stage);
    const execution = startRun(stage, deployment);
    const request = await asked;
    showRequest(stage, request);
    stage.narrator.tell(WHO, 'refuses');
    await refuse(stage, request, WHY);
    const run = await endOf(stage, deployment, execution);
    showVerdict(stage, run);
    await checkRefused(stage, run, 'LS710');
    const { message = '' } = run.verdict ?? {};
    stage.promises.check('the verdict says who, and why', message.includes(`${WHO}: ${WHY}`), message);
    return 'refused before anything was done, rolled back';
  },
};
