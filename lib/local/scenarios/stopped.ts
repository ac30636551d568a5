/**
 * Somebody stops the run in the console while a migration runs. No state catches that: the clean-up, which a rule
 * starts, ends the run's sessions, frees its lease and signals roll back. The next run finishes.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { StopExecutionCommand } from '@aws-sdk/client-sfn';
import { queryRows } from '../database-client.ts';
import { isSlow, SLOW } from '../demo/releases.ts';
import { endOf, runWorkflow, type Stage, startRun } from '../demo/stage.ts';
import type { LocalExecution } from '../state-machine.ts';
import type { Scenario } from './scenario.ts';
import {
  checkEnd,
  checkLeaseIsFree,
  checkList,
  entriesOf,
  release,
  showVerdict,
  stepFunctions,
} from './scenes.ts';

export const stopped: Scenario = {
  async play(stage) {
    const { runtime, narrator, promises } = stage;
    const newVersion = await release(stage, 'new-version', SLOW);
    const deployment = runtime.cloud.deploy(newVersion.bundleFile);
    const execution = startRun(stage, deployment);
    await untilSlow(stage, execution);
    await stopInConsole(stage, execution);
    const run = await endOf(stage, deployment, execution);
    narrator.tell('clean-up', 'has ended the sessions, freed the lease and signalled');
    showVerdict(stage, run);
    promises.check('nothing of the run goes on in the database', !(await isSlow(runtime.database)));
    checkEnd(stage, run, 'ABORTED', 'Roll Back');
    checkList(stage, 'what was finished stays, what was under way left no trace', await entriesOf(stage), [
      '0009 applied',
    ]);
    await checkLeaseIsFree(stage);

    narrator.tell('pipeline', 'is started again, with the same release');
    const next = await runWorkflow(stage, newVersion);
    checkEnd(stage, next, 'SUCCEEDED', 'Roll Out');
    const effects = await queryRows<{ effect: string }>(runtime.database, EFFECTS);
    checkList(
      stage,
      'the next run finished: nothing ran twice, nothing is missing',
      effects.map(({ effect }) => effect),
      ['0009:1', '0010:1', '0011:1'],
    );
    await checkLeaseIsFree(stage);
    return 'stopped in the second migration and cleaned up; the next run applied the rest';
  },
};

const EFFECTS = `SELECT migration || ':' || count(*) AS effect FROM effects GROUP BY migration ORDER BY migration`;

async function untilSlow({ runtime }: Stage, { outcome }: LocalExecution): Promise<void> {
  let hasEnded = false;
  void outcome.then(() => {
    hasEnded = true;
  });
  while (!(await isSlow(runtime.database))) {
    if (hasEnded) throw new Error('The run ended before it came to the slow migration');
    await sleep(50);
  }
}

/** By the request that the console sends. */
async function stopInConsole(stage: Stage, { arn }: LocalExecution): Promise<void> {
  stage.narrator.tell('somebody', 'stops the run in the console, while 0010_change_slowly runs');
  await stepFunctions(stage).send(new StopExecutionCommand({ executionArn: arn }));
}
