import { runner } from 'node-pg-migrate';
import 'pg';

export const up = (dir, databaseUrl) =>
  runner({
    databaseUrl,
    dir,
    direction: 'up',
    migrationsTable: 'pgmigrations',
    singleTransaction: true,
    advisoryLockMode: 'wait',
    log: () => {},
  });
