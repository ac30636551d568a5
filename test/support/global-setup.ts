/** One PostgreSQL server for the whole run of the tests; each test makes databases of its own in it. */
import type { TestProject } from 'vitest/node';
import { startPostgresServer } from '../../lib/local/postgres-server.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** Superuser's URL of the maintenance database `postgres`. */
    postgresUrl: string;
  }
}

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const server = await startPostgresServer({ settings: { max_connections: 300 } });
  project.provide('postgresUrl', server.url('postgres'));
  return server.stop;
}
