/** The embedded server: closed to others, stopped for good, and possible wherever the checkout lies. */
import { chmod, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Disposers, startPostgresServer } from '../../lib/local/index.ts';
import { unsearchableFolder } from '../../lib/local/server-user.ts';
import { queryRows } from '../support/postgres.ts';
import { isAlive } from '../support/process-tree.ts';

const disposers = new Disposers();
afterEach(() => disposers.run());

describe('the embedded server', () => {
  test('is PostgreSQL 18 with UTF-8 and the C locale, durable, and on loopback only', async () => {
    const server = await startPostgresServer({ settings: { max_connections: 42 } });
    disposers.add(server.stop);
    const names = [
      'server_version_num',
      'server_encoding',
      'lc_messages',
      'fsync',
      'listen_addresses',
      'unix_socket_directories',
    ];
    const shown = names.map((name) => `current_setting('${name}') AS ${name}`).join(', ');
    const [settings] = await queryRows<Record<string, string>>(
      server.url('postgres'),
      `SELECT ${shown}, current_setting('max_connections') AS max_connections`,
    );
    expect(settings).toMatchObject({
      server_version_num: expect.stringMatching(/^18/),
      server_encoding: 'UTF8',
      lc_messages: 'C',
      fsync: 'on',
      listen_addresses: '127.0.0.1',
      unix_socket_directories: '',
      max_connections: '42',
    });
  });

  test('lets nobody in without its password', async () => {
    const server = await startPostgresServer();
    disposers.add(server.stop);
    const url = new URL(server.url('postgres'));
    url.password = 'guessed';
    await expect(queryRows(url.href, 'SELECT 1')).rejects.toMatchObject({ code: '28P01' });
  });

  test('is gone after stop, which may be called again', async () => {
    const { pid, stop } = await startPostgresServer();
    await Promise.all([stop(), stop()]);
    await stop();
    expect(isAlive(pid)).toBe(false);
  });

  test('keeps a data folder that it was given, and starts on it again', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'lockstep-data-'));
    disposers.add(() => rm(folder, { recursive: true, force: true }));
    await chmod(folder, 0o755);
    const dataDirectory = join(folder, 'cluster');
    const first = await startPostgresServer({ dataDirectory });
    disposers.add(first.stop);
    await queryRows(first.url('postgres'), 'CREATE TABLE kept (id int)');
    await first.stop();
    const { port, password } = first;
    const second = await startPostgresServer({ dataDirectory, port, password });
    disposers.add(second.stop);
    expect(await queryRows(second.url('postgres'), 'SELECT count(*)::int AS rows FROM kept')).toEqual([
      { rows: 0 },
    ]);
  });
});

describe('the way to a folder for another user', () => {
  let open: string;
  beforeEach(async () => {
    open = await mkdtemp(join(tmpdir(), 'lockstep-way-'));
    disposers.add(() => rm(open, { recursive: true, force: true }));
    await chmod(open, 0o755);
  });
  const other = { uid: 65_533, gid: 65_533 };

  test('is free when everybody may search each folder above', async () => {
    expect(await unsearchableFolder(open, other)).toBeUndefined();
  });

  test('ends at the folder that is closed', async () => {
    const closed = join(open, 'closed');
    await mkdir(join(closed, 'inside'), { recursive: true });
    await chmod(closed, 0o700);
    expect(await unsearchableFolder(join(closed, 'inside'), other)).toBe(closed);
  });

  test('is no matter for the user who runs this', async () => {
    await chmod(open, 0o700);
    expect(await unsearchableFolder(open, {})).toBeUndefined();
  });
});
