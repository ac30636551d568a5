import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { queryRows } from '../support/postgres.ts';
import { folderWith, lockstep, startLockstep } from './command-line.ts';
import { databaseForTest } from './database-content.ts';

const FILES = {
  '0001_before.sql': 'CREATE TABLE before ();\n',
  '0002_slow.sql': 'CREATE TABLE slow ();\nSELECT pg_sleep(60);\n',
};

const sleeping = `SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'PgSleep'`;

/** Until the condition's query gives rows, or not, as asked; the test's own time limit ends it. */
async function until(url: string, sql: string, rows: boolean): Promise<void> {
  while ((await queryRows(url, sql)).length > 0 !== rows) await sleep(20);
}

describe('interrupting in the middle of a migration', () => {
  it.each(['SIGINT', 'SIGTERM'] as const)(
    '%s rolls it back, frees the lock, and exits with 130',
    async (signal) => {
      const database = await databaseForTest();
      const folder = await folderWith(FILES);
      const { child, ended } = startLockstep(['up', '--migrations', folder], { DATABASE_URL: database.url });
      await until(database.url, sleeping, true);
      child.kill(signal);
      const { exitCode, stderr } = await ended;
      expect(stderr).toMatch(/^Error LS605: /m);
      expect(exitCode).toBe(130);
      // The process waited for the server's answer: nothing runs on.
      expect(await queryRows(database.url, sleeping)).toEqual([]);
      const tables = await queryRows(
        database.url,
        `SELECT tablename FROM pg_tables WHERE schemaname = 'public'`,
      );
      expect(tables).toEqual([{ tablename: 'before' }]);
      const status = await lockstep(['status', '--json', '--migrations', folder], {
        DATABASE_URL: database.url,
      });
      expect(JSON.parse(status.stdout)).toMatchObject({
        applied: ['0001_before'],
        lock: null,
        pending: ['0002_slow'],
      });
      const lock = await lockstep(['lock', 'status', '--json'], { DATABASE_URL: database.url });
      expect(JSON.parse(lock.stdout)).toMatchObject({ held: false });
    },
  );

  it('frees the lock by force from a process that is stopped, which changes nothing any more', async () => {
    const database = await databaseForTest();
    const folder = await folderWith(FILES);
    const stopped = startLockstep(['up', '--migrations', folder], { DATABASE_URL: database.url });
    await until(database.url, sleeping, true);
    stopped.child.kill('SIGSTOP');
    const held = await lockstep(['lock', 'status', '--json'], { DATABASE_URL: database.url });
    expect(JSON.parse(held.stdout)).toMatchObject({ held: true, lock: { pid: expect.any(Number) } });
    const refused = await lockstep(['lock', 'release'], { DATABASE_URL: database.url });
    expect(refused).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('--force') });
    const released = await lockstep(['lock', 'release', '--force'], { DATABASE_URL: database.url });
    expect(released).toMatchObject({ exitCode: 0, stdout: expect.stringMatching(/Ended session \d+/) });
    await until(database.url, sleeping, false);
    const free = await lockstep(['lock', 'status', '--json'], { DATABASE_URL: database.url });
    expect(JSON.parse(free.stdout)).toMatchObject({ held: false });
  });
});
