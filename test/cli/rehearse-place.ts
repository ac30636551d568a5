/** A database of a server of its own to rehearse on, for the tests of `rehearse`. */
import { chmod, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, onTestFinished } from 'vitest';
import { type PostgresServer, startPostgresServer } from '../../lib/local/index.ts';
import { queryRows } from '../support/postgres.ts';
import { folderWith, lockstep, startLockstep } from './command-line.ts';

export const FILES = {
  '0001_orders.sql': 'CREATE TABLE orders (id int PRIMARY KEY);\n',
  // Goes on when both probes wait, and have waited for a while: no clock decides what is seen.
  '0002_note.sql': `ALTER TABLE orders ADD note text;
DO $$ BEGIN
  WHILE (SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'orders'::regclass
      AND database = (SELECT oid FROM pg_database WHERE datname = current_database())) < 2 LOOP
    PERFORM pg_sleep(0.01);
  END LOOP;
  PERFORM pg_sleep(0.3);
END $$;
`,
};
/** Settings that a copy must not have, one that it must, and a rule for logins that is not the usual one. */
const SETTINGS = {
  archive_mode: 'on',
  archive_command: '/bin/true',
  work_mem: '7777kB',
  max_connections: 50,
};

export let server: PostgresServer;
let databases = 0;
beforeAll(async () => {
  server = await startPostgresServer({ settings: SETTINGS });
});
afterAll(() => server.stop());

export interface Place {
  readonly folder: string;
  readonly url: string;
  readonly name: string;
  /** For temporary files of the commands. */
  readonly temporary: string;
  run(...args: string[]): ReturnType<typeof lockstep>;
  start(...args: string[]): ReturnType<typeof startLockstep>;
}

/** A database in which the first migration is applied, and a folder with all of them. */
export async function place(files: Readonly<Record<string, string>> = FILES): Promise<Place> {
  databases += 1;
  const name = `orders${databases}`;
  await queryRows(server.url('postgres'), `CREATE DATABASE ${name}`);
  const url = server.url(name);
  const folder = await folderWith(files);
  const temporary = await mkdtemp(join(tmpdir(), 'rehearse-'));
  onTestFinished(() => rm(temporary, { recursive: true, force: true }));
  await chmod(temporary, 0o755);
  const env = { DATABASE_URL: url, LOCKSTEP_TARGET: 'orders', TMPDIR: temporary };
  const run: Place['run'] = (...args) => lockstep([...args, '--migrations', folder], env);
  expect((await run('up', '--to', '0001')).exitCode).toBe(0);
  return {
    folder,
    url,
    name,
    temporary,
    run,
    start: (...args) => startLockstep([...args, '--migrations', folder], env),
  };
}

/** Node keeps compiled code there, too. */
export const left = async ({ temporary }: Place): Promise<string[]> =>
  (await readdir(temporary)).filter((name) => name.startsWith('lockstep'));

export const applied = async (url: string): Promise<number> =>
  (await queryRows(url, 'SELECT FROM lockstep.applied')).length;
