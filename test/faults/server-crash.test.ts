/**
 * The server itself crashes: it is ended without a checkpoint, and recovers from its log when it starts again.
 *
 * What a run has committed before its last migration need not be on disk yet. Here nothing writes the log
 * but who waits for it, so that whatever nobody waited for is lost.
 */
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { Disposers, type PostgresServer, startPostgresServer } from '../../lib/local/index.ts';
import { folderWith } from '../cli/command-line.ts';
import { queryRows } from '../support/postgres.ts';
import type { Edit } from './edit.ts';
import { FaultyProcess } from './faulty-process.ts';
import { until } from './until.ts';

const settings = { bgwriter_lru_maxpages: 0, checkpoint_timeout: '1h', autovacuum: 'off' };
const disposers = new Disposers();
let server: PostgresServer;
let dataDirectory: string;

beforeAll(async () => {
  const folder = await mkdtemp(join(tmpdir(), 'lockstep-crash-'));
  disposers.add(() => rm(folder, { recursive: true, force: true }));
  await chmod(folder, 0o755);
  dataDirectory = join(folder, 'cluster');
  server = await startPostgresServer({ dataDirectory, settings });
  disposers.add(() => server.stop());
});
afterAll(() => disposers.run());

/** Until the crash. */
async function stopWalWriter(): Promise<number> {
  const url = server.url('postgres');
  const [row] = await queryRows<{ pid: number }>(
    url,
    "SELECT pid FROM pg_stat_activity WHERE backend_type = 'walwriter'",
  );
  const { pid } = row!;
  process.kill(pid, 'SIGSTOP');
  return pid;
}

async function crash(walWriter: number): Promise<void> {
  process.kill(server.pid, 'SIGQUIT');
  process.kill(walWriter, 'SIGKILL');
  await server.stop();
  server = await startPostgresServer({ dataDirectory, password: server.password, settings });
}

/** Held by the test for as long as the migration that asks for it is to take. */
const GATE = 4_711;

/** Five migrations in a database of their own, each of which leaves its number; the one named waits in its middle. */
async function migrating(database: string, waiting: number, edits: readonly Edit[] = []) {
  await queryRows(server.url('postgres'), `CREATE DATABASE ${database}`);
  const sql = (n: number) =>
    `${n === 1 ? 'CREATE TABLE done (n int); ' : ''}INSERT INTO done VALUES (${n});
     ${n === waiting ? `SELECT pg_advisory_xact_lock(${GATE});` : ''}`;
  const files = [1, 2, 3, 4, 5].map((n) => [`000${n}_step.sql`, sql(n)]);
  const folder = await folderWith(Object.fromEntries(files));
  const rows = <Row extends object>(text: string) => queryRows<Row>(server.url(database), text);
  const numbers = async (text: string) => (await rows<{ n: number }>(text)).map(({ n }) => n);
  const up = () => {
    const args = ['up', '--migrations', folder, '--json'];
    const env = { DATABASE_URL: `${server.url(database)}?sslmode=disable&connect_timeout=2` };
    return new FaultyProcess({ program: 'lockstep', args, env, edits, fault: undefined }).ended;
  };
  const walWriter = await stopWalWriter();
  const holdGate = await session(database);
  await holdGate(`SELECT pg_advisory_lock(${GATE})`);
  const running = up();
  await until('it waits', async () => {
    const found = await rows("SELECT FROM pg_locks WHERE locktype = 'advisory' AND NOT granted");
    return found.length > 0;
  });
  const openGate = () => holdGate(`SELECT pg_advisory_unlock(${GATE})`);
  return {
    up,
    running,
    openGate,
    crash: () => crash(walWriter),
    applied: () => numbers('SELECT revision::int AS n FROM lockstep.applied ORDER BY 1'),
    done: () => numbers('SELECT n FROM done ORDER BY 1'),
  };
}

/** One that lasts, and may be lost with its server. */
async function session(database: string): Promise<(text: string) => Promise<unknown>> {
  const client = new pg.Client({ connectionString: server.url(database) });
  client.on('error', () => undefined);
  await client.connect();
  onTestFinished(() => client.end());
  return (text) => client.query(text);
}

const ALL = [1, 2, 3, 4, 5];

test('in the middle of a run: nothing is half there, and the next run does what is missing, each once', async () => {
  const { up, running, crash, applied, done } = await migrating('in_the_middle', 4);
  expect(await applied()).toEqual([1, 2, 3]);
  await crash();
  expect((await running).exitCode).toBe(1);
  // Nobody has waited for them.
  expect(await applied()).toEqual([]);
  await expect(done()).rejects.toMatchObject({ code: '42P01' });
  expect((await up()).exitCode).toBe(0);
  expect(await applied()).toEqual(ALL);
  expect(await done()).toEqual(ALL);
});

/** Others see all five, and then the server crashes. What is applied after that. */
async function crashOnceReady(database: string, edits?: readonly Edit[]) {
  const { running, openGate, crash, applied } = await migrating(database, 5, edits);
  // That it has ended cannot be recorded, which would write everything before it to disk, too.
  const record = await session(database);
  await record('BEGIN; LOCK TABLE lockstep.run IN SHARE MODE');
  await openGate();
  await until('all are seen', async () => (await applied()).length === ALL.length);
  await crash();
  await running;
  return applied();
}

test('nothing of a schema that was seen to be ready is lost', async () => {
  expect(await crashOnceReady('ready')).toEqual(ALL);
});

test('it would be, if nobody waited for the last one', async () => {
  const edits = [
    {
      file: 'lib/engine/changes.ts',
      find: 'isDurable: i === changes.length - 1',
      replace: 'isDurable: false',
    },
  ];
  expect(await crashOnceReady('mutant', edits)).toEqual([]);
});
