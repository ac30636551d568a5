/** A DynamoDB API in this process with an empty lease table, for one test or one suite. */
import type { Server } from 'node:http';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import { CreateTableCommand, DynamoDBClient, type DynamoDBClientConfig } from '@aws-sdk/client-dynamodb';
import { CLIENT_LIMITS, LeaseAttribute } from '../../lib/adapters/dynamodb/index.ts';

// The package carries no types.
const dynalite: (options: { createTableMs: number }) => Server = createRequire(import.meta.url)('dynalite');

export interface Dynalite {
  readonly endpoint: string;
  readonly tableName: string;
  /** One client, shared; closed with the server. */
  readonly client: DynamoDBClient;
  /** A client of its own, as another process would have. */
  newClient(config?: DynamoDBClientConfig): DynamoDBClient;
  close(): Promise<void>;
}

export async function startDynalite(tableName = 'lockstep-leases'): Promise<Dynalite> {
  const server = dynalite({ createTableMs: 0 });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const clients: DynamoDBClient[] = [];
  const newClient = (config: DynamoDBClientConfig = {}) => {
    const client = localDynamoClient(endpoint, config);
    clients.push(client);
    return client;
  };
  const client = newClient();
  await createTable(client, tableName, LeaseAttribute.target);
  const close = () =>
    new Promise<void>((resolve, reject) => {
      for (const each of clients) each.destroy();
      server.close((error) => (error ? reject(error) : resolve()));
    });
  return { endpoint, tableName, client, newClient, close };
}

/** Server and clients share the process with a test, which on a busy machine may keep it from both for seconds. */
const PATIENT = {
  ...CLIENT_LIMITS,
  requestHandler: { ...CLIENT_LIMITS.requestHandler, connectionTimeout: 20_000, requestTimeout: 20_000 },
};

export const localDynamoClient = (endpoint: string, config: DynamoDBClientConfig = {}): DynamoDBClient =>
  new DynamoDBClient({
    ...PATIENT,
    endpoint,
    region: 'eu-central-1',
    credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
    ...config,
  });

export async function createTable(client: DynamoDBClient, tableName: string, key: string): Promise<void> {
  await client.send(
    new CreateTableCommand({
      TableName: tableName,
      BillingMode: 'PAY_PER_REQUEST',
      AttributeDefinitions: [{ AttributeName: key, AttributeType: 'S' }],
      KeySchema: [{ AttributeName: key, KeyType: 'HASH' }],
    }),
  );
}
