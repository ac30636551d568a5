/**
 * The synthesized stack in an engine that is not ours: MiniStack, an emulator of AWS from PyPI, deploys the template, runs
 * the state machine and the bundled functions, against a real PostgreSQL: `npm run test:emulator`. It needs Python and its
 * registry, and says so when it has not got them.
 */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { DynamoDBClient, ScanCommand } from '@aws-sdk/client-dynamodb';
import {
  DescribeExecutionCommand,
  GetExecutionHistoryCommand,
  SFNClient,
  StartExecutionCommand,
  StopExecutionCommand,
} from '@aws-sdk/client-sfn';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { LeaseAttribute } from '../../lib/adapters/dynamodb/index.ts';
import { until } from '../faults/until.ts';
import { createDatabase, queryRows, type TestDatabase } from '../support/postgres.ts';
import { createAssetBucket, deployStack } from './emulated-stack.ts';
import { MiniStack, REGION } from './ministack.ts';

const LIMIT_MS = 300_000;
/** Alarms of metric math, which it refuses to make. */
const NOT_EMULATED = ['AWS::CloudWatch::Alarm'];

const place = await mkdtemp(join(tmpdir(), 'lockstep-emulator-'));
const { PATH, HOME } = process.env;
const emulator = await MiniStack.start(place, { PATH, HOME, SFN_WAIT_SCALE: '0.2' }).catch(
  (error: Error) => error,
);
afterAll(async () => {
  if (emulator instanceof MiniStack) emulator.stop();
  await rm(place, { recursive: true, force: true });
});

/** A stack of its own, and its database. */
class Emulated {
  readonly #emulator: MiniStack;
  readonly #sfn: SFNClient;
  readonly #stateMachineArn: string;
  readonly database: TestDatabase;

  private constructor(from: MiniStack, stateMachineArn: string, database: TestDatabase) {
    const credentials = { accessKeyId: 'test', secretAccessKey: 'test' };
    this.#emulator = from;
    this.#sfn = new SFNClient({ endpoint: from.endpoint, region: REGION, credentials });
    this.#stateMachineArn = stateMachineArn;
    this.database = database;
  }

  static async deploy(from: MiniStack, name: string, migrations: string): Promise<Emulated> {
    const database = await createDatabase();
    const folder = join(place, name);
    await mkdir(folder);
    const request = { name, databaseUrl: database.url, migrations, folder };
    const { stateMachineArn, leftOut } = await deployStack(from, request, NOT_EMULATED);
    console.warn(`${name} was deployed without what the emulator does not know: ${leftOut.join(', ')}`);
    return new Emulated(from, stateMachineArn, database);
  }

  rows = <Row extends object>(sql: string) => queryRows<Row>(this.database.url, sql);

  async start(): Promise<string> {
    const started = await this.#sfn.send(
      new StartExecutionCommand({ stateMachineArn: this.#stateMachineArn, input: '{}' }),
    );
    return started.executionArn ?? '';
  }

  async stop(executionArn: string): Promise<void> {
    await this.#sfn.send(new StopExecutionCommand({ executionArn }));
  }

  /** How it ended, and the states that it entered. */
  async outcome(executionArn: string) {
    for (;;) {
      const { status, output, error, cause } = await this.#sfn.send(
        new DescribeExecutionCommand({ executionArn }),
      );
      if (status !== 'RUNNING') {
        const { events = [] } = await this.#sfn.send(
          new GetExecutionHistoryCommand({ executionArn, maxResults: 1000 }),
        );
        const visited = events.flatMap(({ stateEnteredEventDetails: entered }) => entered?.name ?? []);
        return { status, error, cause, visited, verdict: JSON.parse(output ?? 'null') };
      }
      await sleep(200);
    }
  }

  /** Of the one lease in the stack's table. */
  async leaseState(stack: string): Promise<string | undefined> {
    const credentials = { accessKeyId: 'test', secretAccessKey: 'test' };
    const client = new DynamoDBClient({ endpoint: this.#emulator.endpoint, region: REGION, credentials });
    const [TableName] = await this.#emulator.resources(stack, 'AWS::DynamoDB::Table');
    const { Items = [] } = await client.send(new ScanCommand({ TableName }));
    client.destroy();
    return Items[0]?.[LeaseAttribute.state]?.S;
  }
}

const FAILING = {
  '0001_first.sql': 'CREATE TABLE first (id int);',
  '0001_first.down.sql': 'DROP TABLE first;',
  '0002_second.sql':
    'SELECT pg_sleep(seconds) FROM behaviour; SELECT 1 / divisor FROM behaviour; CREATE TABLE second (id int);',
};

if (emulator instanceof Error) {
  it(`did not run: ${emulator.message.split('\n')[0]}`, () => {
    console.warn(`The emulator was not tested: ${emulator.message}`);
  });
} else {
  beforeAll(() => createAssetBucket(emulator));

  describe('the sample migrations', () => {
    let orders: Emulated;
    beforeAll(async () => {
      orders = await Emulated.deploy(emulator, 'orders', join(import.meta.dirname, '../../migrations'));
    }, LIMIT_MS);
    afterAll(() => orders.database.drop());

    it(
      'are applied once by five executions at once, which all say that the app may roll out',
      async () => {
        const executions = await Promise.all(Array.from({ length: 5 }, () => orders.start()));
        const outcomes = await Promise.all(executions.map((arn) => orders.outcome(arn)));
        expect(outcomes.map(({ status, cause, verdict }) => [status, cause, verdict?.signal])).toEqual(
          outcomes.map(() => ['SUCCEEDED', undefined, 'ROLL_OUT']),
        );
        const ran = outcomes.filter(({ verdict }) => verdict.outcome === 'applied');
        expect(ran.flatMap(({ verdict }) => verdict.applied)).toHaveLength(8);
        const applied = await orders.rows<{ count: string }>('SELECT count(*) FROM lockstep.entry');
        expect(applied).toEqual([{ count: '8' }]);
      },
      LIMIT_MS,
    );

    it(
      'are not pending in the next run, which only plans',
      async () => {
        const { status, verdict, visited } = await orders.outcome(await orders.start());
        expect({ status, outcome: verdict.outcome, visited }).toEqual({
          status: 'SUCCEEDED',
          outcome: 'nothing-pending',
          visited: ['Plan', 'Anything pending?', 'Signal roll out', 'Succeeded'],
        });
      },
      LIMIT_MS,
    );
  });

  describe('a migration that fails, then hangs, then works', () => {
    let failing: Emulated;
    beforeAll(async () => {
      const migrations = join(place, 'failing-migrations');
      await mkdir(migrations);
      for (const [name, sql] of Object.entries(FAILING)) await writeFile(join(migrations, name), sql);
      failing = await Emulated.deploy(emulator, 'failing', migrations);
      await failing.rows('CREATE TABLE behaviour AS SELECT 0 AS seconds, 0 AS divisor');
    }, LIMIT_MS);
    afterAll(() => failing.database.drop());

    const SLEEPING =
      "SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'PgSleep'";
    const tables = "SELECT relname FROM pg_class WHERE relname IN ('first', 'second') ORDER BY 1";

    it(
      'fails the run, which reverts what it applied, frees the lease and signals roll back',
      async () => {
        const { status, error, visited } = await failing.outcome(await failing.start());
        expect({ status, error }).toEqual({ status: 'FAILED', error: 'MigrationFailedError' });
        expect(visited.slice(visited.indexOf('Migrate'))).toEqual([
          'Migrate',
          'Roll back',
          'Release lease after failure',
          'Signal roll back',
          'Failed',
        ]);
        expect(await failing.rows(tables)).toEqual([]);
      },
      LIMIT_MS,
    );

    it(
      'after a run that was stopped in its middle the event of its end has its session and lease freed; the next one does the rest',
      async () => {
        await failing.rows('UPDATE behaviour SET seconds = 60, divisor = 1');
        const stopped = await failing.start();
        await until('it hangs', async () => (await failing.rows(SLEEPING)).length > 0);
        await failing.stop(stopped);
        expect((await failing.outcome(stopped)).status).toBe('ABORTED');
        await until('the lease is free', async () => (await failing.leaseState('failing')) === 'FREE');
        expect(await failing.rows(SLEEPING)).toEqual([]);
        await failing.rows('UPDATE behaviour SET seconds = 0');
        const { status, verdict } = await failing.outcome(await failing.start());
        expect({ status, applied: verdict?.applied }).toEqual({
          status: 'SUCCEEDED',
          applied: ['0002_second'],
        });
        expect(await failing.rows(tables)).toEqual([{ relname: 'first' }, { relname: 'second' }]);
        expect(await failing.leaseState('failing')).toBe('FREE');
      },
      LIMIT_MS,
    );
  });
}
