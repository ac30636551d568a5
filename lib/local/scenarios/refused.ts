/** The release drops a column, and the person who is asked says no. */
import { endOf } from '../demo/stage.ts';
import { approvals, checkRefused } from './approvals.ts';
import { refuse, releaseAsking, showRequest, WHO } from './approver.ts';
import type { Scenario } from './scenario.ts';
import { showVerdict } from './scenes.ts';

const WHY = 'not on a Friday';

export const refused: Scenario = {
  stack: approvals(),
  async play(stage) {
    const { deployment, execution, request } = await releaseAsking(stage);
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
