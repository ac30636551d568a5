/**
 * The lease on AWS's own DynamoDB Local, a second implementation of the API beside dynalite: `npm run test:dynamodb`. It
 * needs Java and npm's registry, and says so when it has not got them.
 */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { type DynamoDBClient, ListTablesCommand } from '@aws-sdk/client-dynamodb';
import { afterAll, it } from 'vitest';
import { dynamoLeaseStore, LeaseAttribute } from '../../lib/adapters/dynamodb/index.ts';
import { freePort } from '../../lib/local/free-port.ts';
import { describeLeaseStore } from '../contract/lease-store.contract.ts';
import { createTable, localDynamoClient } from '../support/dynalite.ts';

const run = promisify(execFile);

/** The package that has the program; its own wrapper does not start it. */
const PACKAGE = 'amplify-dynamodb-simulator@2.9.30';
const START_LIMIT_MS = 60_000;

const place = await mkdtemp(join(tmpdir(), 'lockstep-dynamodb-'));
let server: ChildProcess | undefined;
afterAll(async () => {
  server?.kill();
  await rm(place, { recursive: true, force: true });
});

/** Gives its endpoint. */
async function start(): Promise<string> {
  await run('java', ['-version']);
  await writeFile(join(place, 'package.json'), '{"private": true}');
  await run('npm', ['install', '--ignore-scripts', '--no-audit', '--no-fund', PACKAGE], { cwd: place });
  const emulator = join(place, 'node_modules', 'amplify-dynamodb-simulator', 'emulator');
  const port = await freePort();
  const args = ['-jar', 'DynamoDBLocal.jar', '-inMemory', '-port', `${port}`];
  server = spawn('java', args, { cwd: emulator, stdio: 'ignore' });
  const endpoint = `http://127.0.0.1:${port}`;
  const client = localDynamoClient(endpoint, { maxAttempts: 1 });
  const until = performance.now() + START_LIMIT_MS;
  for (;;) {
    const answers = await client.send(new ListTablesCommand()).then(
      () => true,
      () => false,
    );
    if (answers) break;
    if (server.exitCode !== null || performance.now() > until)
      throw new Error('DynamoDB Local does not start');
    await sleep(100);
  }
  client.destroy();
  return endpoint;
}

const endpoint = await start().catch((error: Error) => error);
if (endpoint instanceof Error) {
  it(`did not run: ${endpoint.message.split('\n')[0]}`, () => {
    console.warn(`The lease was not tested on DynamoDB Local: ${endpoint.message}`);
  });
} else {
  let tables = 0;
  describeLeaseStore('DynamoLeaseStore on DynamoDB Local', async () => {
    const tableName = `lockstep-leases-${++tables}`;
    const clients: DynamoDBClient[] = [];
    const newClient = () => {
      const client = localDynamoClient(endpoint);
      clients.push(client);
      return client;
    };
    await createTable(newClient(), tableName, LeaseAttribute.target);
    return {
      open: async () => dynamoLeaseStore({ tableName, client: newClient() }),
      close: async () => {
        for (const client of clients) client.destroy();
      },
    };
  });
}
