import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { expect, it } from 'vitest';
import { queryRows } from '../support/postgres.ts';
import { folderWith, lockstep } from './command-line.ts';
import { databaseForTest } from './database-content.ts';

const PROCESSES = 30;
const MIGRATIONS = 20;

const name = (n: number): string => String(n).padStart(4, '0');

/** The first makes a table without any constraint, so that whatever ran twice shows. */
const files = Object.fromEntries(
  Array.from({ length: MIGRATIONS }, (_, i) => [
    `${name(i + 1)}_effect.sql`,
    `${i === 0 ? 'CREATE TABLE effects (revision text);\n' : ''}INSERT INTO effects VALUES ('${name(i + 1)}');\nSELECT pg_sleep(0.05);\n`,
  ]),
);

/** Counts the database's other connections again and again until the signal; gives the most seen at once. */
async function peakConnections(url: string, signal: AbortSignal): Promise<number> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  let peak = 0;
  while (!signal.aborted) {
    const { rows } = await client.query(
      `SELECT count(*)::int AS n FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'`,
    );
    peak = Math.max(peak, rows[0].n);
    await sleep(10);
  }
  await client.end();
  return peak;
}

it('30 processes at once on an empty database apply 20 migrations once each, and all of them succeed', async () => {
  const database = await databaseForTest();
  const folder = await folderWith(files);
  const over = new AbortController();
  const peak = peakConnections(database.url, over.signal);
  const ended = await Promise.all(
    Array.from({ length: PROCESSES }, () =>
      lockstep(['up', '--json', '--migrations', folder], { DATABASE_URL: database.url }),
    ),
  );
  over.abort();

  expect(ended.filter(({ exitCode }) => exitCode !== 0)).toEqual([]);
  expect(ended.filter(({ stderr }) => /error/i.test(stderr))).toEqual([]);
  const effects = await queryRows<{ revision: string }>(database.url, 'SELECT revision FROM effects');
  expect(effects.map(({ revision }) => revision)).toEqual(
    Array.from({ length: MIGRATIONS }, (_, i) => name(i + 1)),
  );
  const ran = ended
    .map(({ stdout }) => JSON.parse(stdout) as { ran: boolean; applied: string[] })
    .filter((r) => r.ran);
  expect(ran.map(({ applied }) => applied.length)).toEqual([MIGRATIONS]);
  expect(await peak).toBeGreaterThan(1);
  expect(await peak).toBeLessThanOrEqual(35);
}, 60_000);
