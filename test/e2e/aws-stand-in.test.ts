/** The stand-ins answer the SDK as AWS does, as far as the functions ask. */
import { EventBridgeClient, PutEventsCommand } from '@aws-sdk/client-eventbridge';
import {
  AddTagsToResourceCommand,
  CreateDBClusterSnapshotCommand,
  CreateDBSnapshotCommand,
  DBClusterSnapshotAlreadyExistsFault,
  DBSnapshotNotFoundFault,
  DeleteDBSnapshotCommand,
  DescribeDBClusterSnapshotsCommand,
  DescribeDBSnapshotsCommand,
  ListTagsForResourceCommand,
  RDSClient,
} from '@aws-sdk/client-rds';
import {
  GetSecretValueCommand,
  ListSecretsCommand,
  SecretsManagerClient,
} from '@aws-sdk/client-secrets-manager';
import {
  DescribeExecutionCommand,
  ExecutionDoesNotExist,
  InvalidOutput,
  InvalidToken,
  SendTaskFailureCommand,
  SendTaskSuccessCommand,
  SFNClient,
  StopExecutionCommand,
  TaskTimedOut,
} from '@aws-sdk/client-sfn';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { LocalEventBus } from '../../lib/local/aws/events.ts';
import { LocalExecutions } from '../../lib/local/aws/executions.ts';
import { secretsService } from '../../lib/local/aws/secrets.ts';
import { rdsService } from '../../lib/local/aws/snapshots.ts';
import { TaskTokens } from '../../lib/local/aws/task-tokens.ts';
import { Disposers } from '../../lib/local/index.ts';
import { startLocalAws } from '../support/local-aws.ts';

const disposers = new Disposers();
afterEach(() => disposers.run());

/** Copies end when the test says so. */
let copying: PromiseWithResolvers<void>;
let removed: string[];
let eventBus: LocalEventBus;
let executions: LocalExecutions;
let tokens: TaskTokens;
let config: {
  endpoint: string;
  region: string;
  credentials: { accessKeyId: string; secretAccessKey: string };
};

beforeEach(async () => {
  copying = Promise.withResolvers();
  removed = [];
  eventBus = new LocalEventBus();
  executions = new LocalExecutions();
  tokens = new TaskTokens();
  const remove = async (id: string) => void removed.push(id);
  const { stop, clientConfig } = await startLocalAws({
    rds: rdsService({ create: () => copying.promise, remove }),
    events: eventBus.service,
    states: { ...executions.service, ...tokens.service },
    secrets: secretsService(new Map([['arn:login', '{"username":"a","password":"b"}']])),
  });
  disposers.add(stop);
  config = clientConfig;
});

describe('snapshots', () => {
  const source = { DBInstanceIdentifier: 'orders & <more>', DBSnapshotIdentifier: 'before' };
  const Tags = [
    { Key: 'target', Value: 'orders' },
    { Key: 'run', Value: 'r&d "1"' },
  ];

  test('are being created until the copy is complete, then available, with their tags', async () => {
    const rds = new RDSClient(config);
    const { DBSnapshot } = await rds.send(new CreateDBSnapshotCommand({ ...source, Tags }));
    expect(DBSnapshot).toMatchObject({ ...source, Status: 'creating', TagList: Tags });
    copying.resolve();
    await copying.promise;
    const { DBSnapshots } = await rds.send(
      new DescribeDBSnapshotsCommand({
        DBInstanceIdentifier: source.DBInstanceIdentifier,
        SnapshotType: 'manual',
      }),
    );
    expect(DBSnapshots).toEqual([
      expect.objectContaining({ Status: 'available', SnapshotCreateTime: expect.any(Date) }),
    ]);

    const ResourceName = DBSnapshot?.DBSnapshotArn ?? '';
    await rds.send(new AddTagsToResourceCommand({ ResourceName, Tags: [{ Key: 'run', Value: '2' }] }));
    const { TagList } = await rds.send(new ListTagsForResourceCommand({ ResourceName }));
    expect(TagList).toEqual([Tags[0], { Key: 'run', Value: '2' }]);
  });

  test('fail when the copy fails, and are gone when deleted', async () => {
    const rds = new RDSClient(config);
    await rds.send(new CreateDBSnapshotCommand(source));
    copying.reject(new Error('disk full'));
    await copying.promise.catch(() => undefined);
    const look = new DescribeDBSnapshotsCommand({ DBSnapshotIdentifier: 'before' });
    expect((await rds.send(look)).DBSnapshots?.[0]?.Status).toBe('failed');
    await rds.send(new DeleteDBSnapshotCommand({ DBSnapshotIdentifier: 'before' }));
    expect(removed).toEqual(['before']);
    await expect(rds.send(look)).rejects.toBeInstanceOf(DBSnapshotNotFoundFault);
  });

  test('of instances and of clusters are apart', async () => {
    const rds = new RDSClient(config);
    const cluster = { DBClusterIdentifier: 'c', DBClusterSnapshotIdentifier: 'before' };
    await rds.send(new CreateDBSnapshotCommand(source));
    await rds.send(new CreateDBClusterSnapshotCommand(cluster));
    const all = await rds.send(new DescribeDBClusterSnapshotsCommand({ DBClusterIdentifier: 'c' }));
    expect(all.DBClusterSnapshots?.map((s) => s.DBClusterSnapshotIdentifier)).toEqual(['before']);
    await expect(rds.send(new CreateDBClusterSnapshotCommand(cluster))).rejects.toBeInstanceOf(
      DBClusterSnapshotAlreadyExistsFault,
    );
  });
});

test('events are kept', async () => {
  const Entries = [{ Source: 'lockstep', DetailType: 'Lockstep Roll Out', Detail: '{"run":"1"}' }];
  const { FailedEntryCount } = await new EventBridgeClient(config).send(new PutEventsCommand({ Entries }));
  expect(FailedEntryCount).toBe(0);
  expect(eventBus.events).toEqual([
    { source: 'lockstep', detailType: 'Lockstep Roll Out', detail: { run: '1' } },
  ]);
});

test('executions are known by their ARN, with the status they have now', async () => {
  const executionArn = 'arn:aws:states:us-east-1:000000000000:execution:m:e';
  const record = {
    executionArn,
    stateMachineArn: 'm',
    name: 'e',
    startedAtMs: 1_000,
    status: 'RUNNING' as const,
  };
  executions.add(record);
  const client = new SFNClient(config);
  const look = () => client.send(new DescribeExecutionCommand({ executionArn }));
  expect(await look()).toMatchObject({ status: 'RUNNING', startDate: new Date(1_000) });
  Object.assign(record, { status: 'ABORTED' });
  expect(await look()).toMatchObject({ status: 'ABORTED' });
  const unknown = new DescribeExecutionCommand({ executionArn: `${executionArn}2` });
  await expect(client.send(unknown)).rejects.toBeInstanceOf(ExecutionDoesNotExist);
});

test('an execution can be stopped, and one that is not known cannot', async () => {
  const executionArn = 'arn:aws:states:us-east-1:000000000000:execution:m:stopped';
  let stops = 0;
  const record = { executionArn, stateMachineArn: 'm', name: 'stopped', startedAtMs: 1_000 };
  executions.add({ ...record, status: 'RUNNING' }, () => {
    stops += 1;
  });
  const client = new SFNClient(config);
  const stop = (arn: string) => client.send(new StopExecutionCommand({ executionArn: arn }));
  expect((await stop(executionArn)).stopDate).toBeInstanceOf(Date);
  expect(stops).toBe(1);
  await expect(stop(`${executionArn}2`)).rejects.toBeInstanceOf(ExecutionDoesNotExist);
});

test('a task token is good for one answer, until its task is over', async () => {
  const client = new SFNClient(config);
  const stopping = new AbortController();
  const limits = { timeoutMs: 60_000, stopped: stopping.signal };
  const [first, second] = [tokens.newToken(), tokens.newToken()];
  const answer = tokens.wait(first, limits);
  const refusal = tokens.wait(second, limits).catch((error: Error) => `${error.name}: ${error.message}`);
  const succeed = (taskToken: string, output = '{"by":"Ann"}') =>
    client.send(new SendTaskSuccessCommand({ taskToken, output }));
  await expect(succeed(first, 'not JSON')).rejects.toBeInstanceOf(InvalidOutput);
  await succeed(first);
  expect(await answer).toEqual({ by: 'Ann' });
  await client.send(new SendTaskFailureCommand({ taskToken: second, error: 'Refused', cause: 'no' }));
  expect(await refusal).toBe('Refused: no');
  await expect(succeed(first)).rejects.toBeInstanceOf(TaskTimedOut);
  await expect(succeed('never given')).rejects.toBeInstanceOf(InvalidToken);
  const third = tokens.newToken();
  const stopped = tokens.wait(third, limits);
  stopping.abort();
  await expect(stopped).rejects.toThrow('The execution has ended.');
  await expect(succeed(third)).rejects.toBeInstanceOf(TaskTimedOut);
});

test('secrets can be read, and what the stand-in does not know is refused', async () => {
  const client = new SecretsManagerClient(config);
  const { SecretString } = await client.send(new GetSecretValueCommand({ SecretId: 'arn:login' }));
  expect(SecretString).toBe('{"username":"a","password":"b"}');
  const missing = client.send(new GetSecretValueCommand({ SecretId: 'arn:other' }));
  await expect(missing).rejects.toMatchObject({ name: 'ResourceNotFoundException' });
  await expect(client.send(new ListSecretsCommand({}))).rejects.toMatchObject({
    name: 'UnknownOperationException',
  });
});
