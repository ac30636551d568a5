/**
 * The new version forgets what no down script brings back, and is unhealthy. Its deployment is sent back; then a person is
 * asked, approves, and the data of before the run comes up as a new database, beside the old one, which stays as it is.
 */
import { type ITopic, Topic } from 'aws-cdk-lib/aws-sns';
import type { DatabaseConfig } from '../../adapters/postgres/index.ts';
import { EventType, type Verdict } from '../../core/rollout/index.ts';
import { queryRows } from '../database-client.ts';
import { list } from '../demo/words.ts';
import { approve, nextRequest, showRequest, WHO } from './approver.ts';
import { FORGETTING, ORDERS } from './releases.ts';
import { followed, rollOut } from './roll-outs.ts';
import type { Scenario } from './scenario.ts';
import { applyWithCommand, checkList, entriesOf } from './scenes.ts';

export const restored: Scenario = {
  takesRestorePoints: true,
  stack: followed('restore', (stack) => ({
    restore: { topic: new Topic(stack, 'Approvals') as ITopic },
  })),
  async play(stage) {
    const { narrator, promises, runtime } = stage;
    const { cloud, database } = runtime;
    await applyWithCommand(stage, 'old-version', ORDERS);
    await queryRows(database, 'INSERT INTO orders (shipped_at) SELECT now() FROM generate_series(1, 3)');
    narrator.tell('the app', 'has shipped three orders');

    const { run, follower, deployment } = await rollOut(stage, FORGETTING);
    promises.check('the new version has forgotten it', (await shippedIn(database)) === 0);
    const asked = nextRequest(stage);
    narrator.tell('ECS', 'takes it back: tasks of the new version have failed');
    cloud.deployers.deployments.set(deployment, 'ROLLBACK_IN_PROGRESS', 'tasks failed to start');
    const request = await asked;
    showRequest(stage, request);
    const told = () => cloud.eventBus.events.filter(({ detail }) => (detail as Verdict).run === run.name);
    promises.check(
      'roll back was signalled before anybody was asked',
      told().at(-1)?.detailType === EventType.rollBack,
      told().at(-1)?.detailType,
    );
    narrator.tell(WHO, 'approves');
    await approve(stage, request);

    const outcome = await follower.outcome;
    const verdict = told().at(-1)?.detail as Verdict;
    narrator.tell('verdict', `${verdict.message} ${verdict.state} ${verdict.next}`);
    promises.check('the execution that followed it failed', outcome.status === 'FAILED', outcome.status);
    const signals = told().map(({ detailType }) => detailType);
    promises.check(
      'what was restored was signalled after roll back',
      signals.join() === [EventType.rollOut, EventType.rollBack, EventType.rollBack].join(),
      list(signals),
    );
    const { host = '', port = 0 } = verdict.restored ?? {};
    promises.check(
      'the new database has the three orders as they were',
      verdict.restored !== undefined && (await shippedIn({ ...database, host, port })) === 3,
      JSON.stringify(verdict.restored),
    );
    promises.check('the old one is as it was left', (await shippedIn(database)) === 0);
    checkList(stage, 'its ledger, too', await entriesOf(stage), ['0001 applied', '0002 applied']);
    return 'rolled out, sent back, asked, approved: the data is in a new database';
  },
};

async function shippedIn(database: DatabaseConfig): Promise<number | undefined> {
  const sql = 'SELECT count(shipped_at)::int AS shipped FROM orders';
  return (await queryRows<{ shipped: number }>(database, sql))[0]?.shipped;
}
