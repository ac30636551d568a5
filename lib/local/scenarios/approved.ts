/**
 * The release drops a column. A person approves it, but somebody has applied a part of it meanwhile: the plan is another
 * one, and is asked about again. The second answer lets the run go on.
 */
import { systemClock } from '../../adapters/process/clock.ts';
import { migrate } from '../../engine/index.ts';
import { withLeases } from '../demo/ledger.ts';
import { endOf, type Stage } from '../demo/stage.ts';
import { approvals } from './approvals.ts';
import { approve, nextRequest, refusalOf, releaseAsking, showRequest, WHO } from './approver.ts';
import { ORDERS } from './releases.ts';
import type { Scenario } from './scenario.ts';
import { checkEnd, checkLeaseIsFree, checkList, entriesOf, release, showVerdict } from './scenes.ts';

export const approved: Scenario = {
  stack: approvals(),
  async play(stage) {
    const { narrator, promises } = stage;
    const { deployment, execution, request: first } = await releaseAsking(stage);
    showRequest(stage, first);
    checkList(stage, 'nothing is done while a person is asked', await entriesOf(stage), []);
    await applyOldVersion(stage);

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

/** As by the command, under the same lease. */
async function applyOldVersion(stage: Stage): Promise<void> {
  const { database } = stage.runtime;
  const { source } = await release(stage, 'old-version', ORDERS);
  stage.narrator.tell('somebody', 'applies 0001_create_orders with the command meanwhile');
  await withLeases(stage, (leases) =>
    migrate({
      database,
      target: database.database,
      source,
      leases,
      leaseDurationMs: 10_000,
      leaseWaitMs: 10_000,
      holder: 'somebody:1:command',
      clock: systemClock,
      signal: stage.runtime.signal,
    }),
  );
}
