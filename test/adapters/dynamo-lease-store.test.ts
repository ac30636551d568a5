import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import {
  type DynamoDBClient,
  DynamoDBServiceException,
  GetItemCommand,
  PutItemCommand,
} from '@aws-sdk/client-dynamodb';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { CLIENT_LIMITS, dynamoLeaseStore } from '../../lib/adapters/dynamodb/index.ts';
import { systemClock } from '../../lib/adapters/process/clock.ts';
import { acquireWithin, type Lease, type LeaseStore } from '../../lib/core/lease/index.ts';
import { createTable, type Dynalite, localDynamoClient, startDynalite } from '../support/dynalite.ts';

let dynalite: Dynalite;
let target = 'orders-0';
let last = 0;
beforeAll(async () => {
  dynalite = await startDynalite();
});
afterAll(() => dynalite.close());
beforeEach(() => {
  target = `orders-${++last}`;
});

const ask = (holder: string, takeOver?: string) => ({ target, holder, durationMs: 30_000, takeOver });
const storeOn = (client: DynamoDBClient): LeaseStore =>
  dynamoLeaseStore({ tableName: dynalite.tableName, client });
const other = () => storeOn(dynalite.client);

async function hold(holder = 'a'): Promise<Lease> {
  const result = await other().tryAcquire(ask(holder));
  if (result.kind === 'held') throw new Error('held');
  return other().mint(result.lease);
}

const itemOf = async (key: string) =>
  (
    await dynalite.client.send(
      new GetItemCommand({ TableName: dynalite.tableName, Key: { target: { S: key } } }),
    )
  ).Item;

/** A client to whom the reply of its first put never comes, as when a connection breaks after the request. */
function losingFirstReply(): { client: DynamoDBClient; puts: () => number } {
  const client = dynalite.newClient();
  let puts = 0;
  client.middlewareStack.add(
    (next, context) => async (args) => {
      const isFirstPut = context.commandName === 'PutItemCommand' && ++puts === 1;
      const reply = await next(args);
      if (isFirstPut) {
        throw Object.assign(new Error('socket hang up'), { name: 'TimeoutError' });
      }
      return reply;
    },
    { step: 'finalizeRequest', priority: 'low' },
  );
  return { client, puts: () => puts };
}

describe('the lease item in DynamoDB', () => {
  test('reads like the record, and stays when the lease is released', async () => {
    const lease = await hold();
    expect(await itemOf(target)).toEqual({
      target: { S: target },
      state: { S: 'HELD' },
      holder: { S: 'a' },
      recordVersion: { S: expect.stringMatching(/^[0-9a-f-]{36}$/) },
      durationMs: { N: '30000' },
      token: { N: '1' },
    });
    await other().release(lease);
    expect(await itemOf(target)).toMatchObject({
      state: { S: 'FREE' },
      holder: { S: '' },
      token: { N: '1' },
    });
  });

  test.each<[string, (store: LeaseStore, lease: Lease) => Promise<unknown>, unknown]>([
    ['an acquire', (store) => store.tryAcquire(ask('a')), { kind: 'acquired' }],
    ['a mint', (store, lease) => store.mint(lease), { token: 2 }],
    ['a renewal', (store, lease) => store.renew(lease).then(() => ({ renewed: true })), { renewed: true }],
    ['a release', async (store, lease) => ({ outcome: await store.release(lease) }), { outcome: 'released' }],
    ['a force release', (store) => store.forceRelease(target), { holder: 'a', token: 1 }],
  ])('%s whose reply was lost, and that the client repeated, is done once', async (_, act, expected) => {
    const lease = await hold();
    const { client, puts } = losingFirstReply();
    expect(await act(storeOn(client), lease)).toMatchObject(expected!);
    expect(puts()).toBe(2);
  });

  test('is read consistently by every operation', async () => {
    const lease = await hold();
    const client = dynalite.newClient();
    const reads: unknown[] = [];
    client.middlewareStack.add(
      (next, context) => (args) => {
        if (context.commandName === 'GetItemCommand') reads.push(args.input);
        return next(args);
      },
      { step: 'initialize' },
    );
    const store = storeOn(client);
    await store.tryAcquire(ask('b'));
    await store.renew(lease);
    await store.release(lease);
    expect(reads).toHaveLength(3);
    for (const read of reads) expect(read).toMatchObject({ ConsistentRead: true });
  });

  test('processes that race for a silent holder leave one holder', async () => {
    await hold();
    const observed = (await other().read(target))?.recordVersion;
    const results = await Promise.all(
      Array.from({ length: 20 }, (_, index) => other().tryAcquire(ask(`w${index}`, observed))),
    );
    expect(results.filter(({ kind }) => kind === 'acquired')).toHaveLength(1);
  });

  test('a waiter on its own real clock takes over a holder that is silent', async () => {
    await other().tryAcquire({ target, holder: 'dead', durationMs: 400 });
    const acquired = await acquireWithin({
      store: other(),
      target,
      holder: 'next',
      durationMs: 400,
      budgetMs: 10_000,
      clock: systemClock,
    });
    expect(acquired).toMatchObject({ kind: 'acquired', tookOverFrom: 'dead' });
    expect(acquired.waitedMs).toBeGreaterThanOrEqual(400);
  });
});

describe('a lease table that cannot be used', () => {
  test('that does not exist is named', async () => {
    const store = dynamoLeaseStore({ tableName: 'no-such-table', client: dynalite.client });
    const error = await store.tryAcquire(ask('a')).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({
      code: 'LS404',
      what: 'The lease table no-such-table does not exist in this account and Region.',
      remedy: expect.stringContaining('AWS_REGION'),
    });
  });

  test('that has another key is named', async () => {
    await createTable(dynalite.client, 'something-else', 'id');
    const store = dynamoLeaseStore({ tableName: 'something-else', client: dynalite.client });
    await expect(store.read(target)).rejects.toMatchObject({
      code: 'LS404',
      what: expect.stringContaining('The table something-else cannot hold leases'),
    });
  });

  test('that holds something else under the key is not written to', async () => {
    const Item = { target: { S: target }, owner: { S: 'someone' } };
    await dynalite.client.send(new PutItemCommand({ TableName: dynalite.tableName, Item }));
    await expect(other().tryAcquire(ask('a'))).rejects.toMatchObject({
      code: 'LS404',
      what: expect.stringContaining('is not a lease'),
    });
    expect(await itemOf(target)).toEqual(Item);
  });

  test('to which the role has no access says what to allow', async () => {
    const client = dynalite.newClient();
    client.middlewareStack.add(
      () => async () => {
        throw new DynamoDBServiceException({
          name: 'AccessDeniedException',
          $fault: 'client',
          message: 'User is not authorized to perform: dynamodb:GetItem',
          $metadata: {},
        });
      },
      { step: 'finalizeRequest' },
    );
    await expect(storeOn(client).read(target)).rejects.toMatchObject({
      code: 'LS404',
      remedy: expect.stringContaining('dynamodb:PutItem'),
    });
  });

  test('without credentials says so', async () => {
    const credentials = async () => {
      throw Object.assign(new Error('Could not load credentials from any providers'), {
        name: 'CredentialsProviderError',
      });
    };
    await expect(storeOn(dynalite.newClient({ credentials })).read(target)).rejects.toMatchObject({
      code: 'LS404',
      what: expect.stringContaining('no valid AWS credentials'),
    });
  });

  test('that nobody listens for is reported', async () => {
    const gone = await startDynalite();
    await gone.close();
    await expect(storeOn(localDynamoClient(gone.endpoint)).read(target)).rejects.toMatchObject({
      code: 'LS404',
      retryable: true,
      what: expect.stringContaining('does not answer'),
    });
  });

  test('that accepts requests and never answers is reported within the limits of the client', async () => {
    const silent: Server = createServer(() => undefined);
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
    const { port } = silent.address() as AddressInfo;
    const client = localDynamoClient(`http://127.0.0.1:${port}`, CLIENT_LIMITS);
    const startedAtMs = performance.now();
    await expect(storeOn(client).read(target)).rejects.toMatchObject({ code: 'LS404' });
    expect(performance.now() - startedAtMs).toBeLessThan(10_000);
    client.destroy();
    silent.closeAllConnections();
    await new Promise((resolve) => silent.close(resolve));
  });
});
