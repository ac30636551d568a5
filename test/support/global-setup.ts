/** One PostgreSQL server for the tests of a project; each test makes databases of its own in it. */
import type { TestProject } from 'vitest/node';
import { startPostgresServer } from '../../lib/local/postgres-server.ts';
import { inFastFolder } from './fast-folder.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** Folder of the server's programs. */
    postgresBinaries: string;
    /** The project's: PostgreSQL 16. */
    postgresName: string;
    /** Superuser's URL of the maintenance database `postgres`. */
    postgresUrl: string;
  }
}

/** No test needs the server's data after a power failure, and databases are made and dropped by the hundred. */
const SETTINGS = { max_connections: 300, fsync: 'off', full_page_writes: 'off' };

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const { postgresBinaries: binaries } = project.config.provide;
  const server = await inFastFolder(() => startPostgresServer({ settings: SETTINGS, binaries }));
  project.provide('postgresUrl', server.url('postgres'));
  return server.stop;
}
