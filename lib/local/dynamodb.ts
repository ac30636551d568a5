/** DynamoDB's API in this process, over HTTP, so that other processes reach the same table. */
import { Server } from 'node:http';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import { CreateTableCommand, type CreateTableCommandInput, DynamoDBClient } from '@aws-sdk/client-dynamodb';

/** dynalite has no types. */
const dynalite: (options: { createTableMs: number }) => Server = createRequire(import.meta.url)('dynalite');

export interface LocalDynamoDb {
  readonly endpoint: string;
  createTable(input: CreateTableCommandInput): Promise<void>;
  stop(): Promise<void>;
}

export async function startDynamoDb(): Promise<LocalDynamoDb> {
  const server = dynalite({ createTableMs: 0 });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const credentials = { accessKeyId: 'local', secretAccessKey: 'local' };
  const client = new DynamoDBClient({ endpoint, region: 'us-east-1', credentials });
  return {
    endpoint,
    createTable: async (input) => {
      await client.send(new CreateTableCommand(input));
    },
    stop: async () => {
      client.destroy();
      // Its own `close` also closes the store, and a request that is still in it then throws where nobody catches.
      const closed = new Promise((resolve) => Server.prototype.close.call(server, resolve));
      server.closeAllConnections();
      await closed;
    },
  };
}
