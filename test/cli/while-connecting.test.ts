/** `up` connects while it reads the files. */
import { connect, createServer, type Socket } from 'node:net';
import { expect, inject, onTestFinished, test } from 'vitest';
import { createDatabase, queryRows } from '../support/postgres.ts';
import { folderWith, lockstep } from './command-line.ts';

const TABLE = { '0001_effects.sql': 'CREATE TABLE effects (n int);' };

/** Takes connections, and says nothing to them or passes them on; gives its port and how many there were. */
async function listen(accept: (socket: Socket) => void) {
  const sockets: Socket[] = [];
  const server = createServer((socket) => {
    sockets.push(socket);
    socket.on('error', () => undefined);
    accept(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return { port: (server.address() as { port: number }).port, sockets };
}

const through = (url: string, port: number): string =>
  Object.assign(new URL(url), { hostname: '127.0.0.1', port: String(port) }).href;

test('a file that is refused is told at once, though the server never answers', async () => {
  const { port, sockets } = await listen(() => undefined);
  const folder = await folderWith({ ...TABLE, 'nonsense.sql': 'SELECT 1;' });
  const startedMs = performance.now();
  const ended = await lockstep(['up', '--migrations', folder], {
    DATABASE_URL: through(inject('postgresUrl'), port),
  });
  expect(ended).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('LS201') });
  expect(sockets.length).toBeLessThanOrEqual(1);
  // The server would be waited for for a minute.
  expect(performance.now() - startedMs).toBeLessThan(30_000);
});

test('one connection is enough, to apply and to find nothing to do', async () => {
  const { url } = await createDatabase();
  const { hostname, port: serverPort } = new URL(url);
  const { port, sockets } = await listen((socket) => {
    const server = connect(Number(serverPort), hostname);
    server.on('error', () => socket.destroy());
    socket.pipe(server).pipe(socket);
  });
  const folder = await folderWith(TABLE);
  for (const [i, outcome] of ['applied', 'nothing-pending'].entries()) {
    const { exitCode, stdout } = await lockstep(['up', '--json', '--migrations', folder], {
      DATABASE_URL: through(url, port),
    });
    expect({ exitCode, ...JSON.parse(stdout) }).toMatchObject({ exitCode: 0, outcome });
    expect(sockets).toHaveLength(i + 1);
  }
  expect(await queryRows(url, 'SELECT slug FROM lockstep.applied')).toEqual([{ slug: 'effects' }]);
});
