/** What the three scenarios about approvals share: the policy, the release that it is about, and that nothing was done. */
import { Duration } from 'aws-cdk-lib';
import { type ITopic, Topic } from 'aws-cdk-lib/aws-sns';
import { StateName } from '../../core/workflow/index.ts';
import { withLeases } from '../demo/ledger.ts';
import type { Run, Stage } from '../demo/stage.ts';
import type { StackOptions } from '../synthesize.ts';
import { checkEnd, checkList, entriesOf, tablesOf } from './scenes.ts';

export const approvals = (timeout: Duration = Duration.minutes(10)): StackOptions => ({
  approval: (stack) => ({ when: 'destructive', topic: new Topic(stack, 'Approvals') as ITopic, timeout }),
});

/** Of a run that nobody let go on. */
export async function checkRefused(stage: Stage, run: Run, code: string): Promise<void> {
  const { promises } = stage;
  const { verdict, states } = run;
  checkEnd(stage, run, 'FAILED', 'Roll Back');
  promises.check(
    `the verdict says that it was refused, with ${code}`,
    verdict?.outcome === 'refused' && verdict.error?.code === code,
    `${verdict?.outcome}, ${verdict?.error?.code}`,
  );
  promises.check(
    'no restore point was begun, and the lease was never asked for',
    !states.includes(StateName.TakeRestorePoint) &&
      !states.includes(StateName.AcquireLease) &&
      (await withLeases(stage, (leases) => leases.read(stage.runtime.database.database))) === undefined,
    states.join(', '),
  );
  checkList(stage, 'nothing is in the database, nor in the ledger', await contentOf(stage), []);
}

const contentOf = async (stage: Stage): Promise<string[]> => [
  ...(await tablesOf(stage)),
  ...(await entriesOf(stage)),
];
