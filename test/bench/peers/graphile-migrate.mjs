import { Logger } from '@graphile/logger';
import graphile from 'graphile-migrate';
import 'pg';

const logger = new Logger(() => () => {});

export const up = (migrationsFolder, connectionString) =>
  graphile.migrate({ connectionString, migrationsFolder, manageGraphileMigrateSchema: true, logger });
