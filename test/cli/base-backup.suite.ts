/** `rehearse` on a base backup that the command makes and removes: each test starts two servers and several processes. */
import { readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { isAlive } from '../support/process-tree.ts';
import { applied, FILES, left, type Place, place } from './rehearse-place.ts';

describe('on a base backup', { timeout: 180_000 }, () => {
  const sleeping = { ...FILES, '0003_slow.sql': 'SELECT pg_sleep(600);\n' };

  /** Of the server of the copy. */
  async function copyIn({ temporary }: Place): Promise<{ pid: number; data: string }> {
    for (;;) {
      const names = await readdir(temporary, { recursive: true }).catch(() => []);
      const file = names.find((name) => name.endsWith(join('data', 'postmaster.pid')));
      const text = file && (await readFile(join(temporary, file), 'utf8').catch(() => ''));
      const [pid, data] = text?.split('\n') ?? [];
      if (file && Number(pid) > 0 && data) return { pid: Number(pid), data };
      await sleep(20);
    }
  }

  test('which has the settings of the original but for what would reach others, and is removed', async () => {
    const settings = `DO $$ BEGIN
      IF current_setting('work_mem') <> '7777kB' OR current_setting('max_connections') <> '50' THEN RAISE 'other settings'; END IF;
      IF current_setting('archive_mode') <> 'off' OR current_setting('archive_command') <> '(disabled)' THEN RAISE 'archives'; END IF;
      IF current_setting('max_logical_replication_workers') <> '0' THEN RAISE 'subscribes'; END IF;
      IF current_setting('listen_addresses') <> '127.0.0.1' THEN RAISE 'listens'; END IF;
    END $$;\n`;
    const here = await place({ ...FILES, '0003_settings.sql': settings });
    const ended = await here.run('rehearse', '--json');
    expect(ended.exitCode, ended.stderr).toBe(0);
    expect(JSON.parse(ended.stdout)).toMatchObject({ rehearsal: { copy: 'base-backup', steps: [{}, {}] } });
    expect(await left(here)).toEqual([]);
    expect(await applied(here.url)).toBe(1);
  });

  test('is removed after a migration that failed', async () => {
    const here = await place({ ...FILES, '0003_wrong.sql': 'SELECT 1 / 0;\n' });
    expect((await here.run('rehearse')).exitCode).toBe(1);
    expect(await left(here)).toEqual([]);
  });

  test('is removed when the command is interrupted', async () => {
    const here = await place(sleeping);
    const { child, ended } = here.start('rehearse');
    const { pid } = await copyIn(here);
    child.kill('SIGTERM');
    expect((await ended).exitCode).toBe(130);
    expect(isAlive(pid)).toBe(false);
    expect(await left(here)).toEqual([]);
  });

  test('is removed by the next one when the command was killed', async () => {
    const here = await place(sleeping);
    const { child, ended } = here.start('rehearse');
    const { pid, data } = await copyIn(here);
    child.kill('SIGKILL');
    await ended;
    expect(isAlive(pid)).toBe(true);
    await rm(join(here.folder, '0003_slow.sql'));
    expect((await here.run('rehearse')).exitCode).toBe(0);
    expect(isAlive(pid)).toBe(false);
    await expect(readdir(data)).rejects.toMatchObject({ code: 'ENOENT' });
    expect(await left(here)).toEqual([]);
  });
});
