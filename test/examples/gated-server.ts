/** Servers that listen before the schema is ready: what they answer until then, and afterwards. */
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { expect, onTestFinished } from 'vitest';
import { freePort } from '../../lib/local/free-port.ts';
import { queryRows } from '../support/postgres.ts';
import type { Place } from './container.ts';

const KEY = 4711;

/** The second one waits for as long as the test holds the lock. */
export const HELD = {
  '0001_orders.sql': 'CREATE TABLE orders (id int);',
  '0002_wait.sql': `SELECT pg_advisory_xact_lock_shared(${KEY});`,
  '0003_first_order.sql': 'INSERT INTO orders VALUES (1);',
};

/** Keeps the migrations from going on. */
async function hold(url: string) {
  const holder = new pg.Client(url);
  await holder.connect();
  onTestFinished(() => holder.end());
  await holder.query(`SELECT pg_advisory_lock(${KEY})`);
  return { release: () => holder.query(`SELECT pg_advisory_unlock(${KEY})`) };
}

/** One instance of the script that is told to end while it migrates. */
export async function expectEndsInOrder({ start, url }: Place, script: string): Promise<void> {
  await hold(url);
  const { child, ended } = start(['node', script], { DATABASE_URL: url, PORT: String(await freePort()) });
  const waiting = `SELECT FROM pg_stat_activity WHERE application_name LIKE 'lockstep%' AND wait_event = 'advisory'
    AND datname = current_database()`;
  await expect.poll(() => queryRows(url, waiting), { timeout: 30_000 }).toHaveLength(1);
  child.kill('SIGTERM');
  expect(await ended).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('LS605') });
  expect(await queryRows(url, waiting)).toEqual([]);
}

/** Three instances of the script in the folder of this place, with PORT in their environment. They end when they are told to. */
export async function expectGated({ start, url }: Place, script: string): Promise<void> {
  const { release } = await hold(url);
  const ports = await Promise.all([1, 2, 3].map(() => freePort()));
  const servers = ports.map((port) => start(['node', script], { DATABASE_URL: url, PORT: String(port) }));
  const answers = (path: string) =>
    Promise.all(ports.map((port) => statusOf(`http://127.0.0.1:${port}${path}`)));
  const until = async (path: string, status: number) => {
    while ((await answers(path)).some((answer) => answer !== status)) {
      const early = servers.find(({ child }) => child.exitCode !== null);
      if (early) throw new Error((await early.ended).stderr);
      await sleep(50);
    }
  };
  await until('/livez', 200);
  expect(await answers('/readyz')).toEqual([503, 503, 503]);
  expect(await answers('/')).toEqual([503, 503, 503]);
  await release();
  await until('/readyz', 200);
  expect(await answers('/livez')).toEqual([200, 200, 200]);
  expect(await answers('/')).toEqual([200, 200, 200]);
  expect(await answers('/missing')).toEqual([404, 404, 404]);

  for (const { child } of servers) child.kill('SIGTERM');
  expect((await Promise.all(servers.map(({ ended }) => ended))).map(({ exitCode }) => exitCode)).toEqual([
    0, 0, 0,
  ]);
}

/** 0 while nobody listens. */
const statusOf = (url: string): Promise<number> =>
  fetch(url).then(
    async (response) => {
      await response.arrayBuffer();
      return response.status;
    },
    () => 0,
  );
