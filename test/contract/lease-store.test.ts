import { dynamoLeaseStore } from '../../lib/adapters/dynamodb/index.ts';
import { MemoryLeaseStore, type MemoryRecords } from '../../lib/adapters/memory/index.ts';
import { databaseConfigFrom } from '../../lib/adapters/postgres/config.ts';
import { connect, PostgresLeaseStore, type Session } from '../../lib/adapters/postgres/index.ts';
import { systemClock } from '../../lib/adapters/process/clock.ts';
import { startDynalite } from '../support/dynalite.ts';
import { createDatabase } from '../support/postgres.ts';
import { describeLeaseStore } from './lease-store.contract.ts';

describeLeaseStore('MemoryLeaseStore', async () => {
  const records: MemoryRecords = new Map();
  return { open: async () => new MemoryLeaseStore(records), close: async () => undefined };
});

describeLeaseStore('DynamoLeaseStore', async () => {
  const { tableName, newClient, close } = await startDynalite();
  return { open: async () => dynamoLeaseStore({ tableName, client: newClient() }), close };
});

describeLeaseStore('PostgresLeaseStore', async () => {
  const database = await createDatabase();
  const config = databaseConfigFrom({ url: database.url, env: {}, readFile: () => '' });
  const sessions: Session[] = [];
  return {
    open: async () => {
      const session = await connect({ config, clock: systemClock, applicationName: 'lockstep test' });
      sessions.push(session);
      return new PostgresLeaseStore(session, (ms) => systemClock.sleep(ms));
    },
    close: async () => {
      await Promise.all(sessions.map((session) => session.end()));
      await database.drop();
    },
  };
});
