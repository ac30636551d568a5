import { type AddressInfo, createServer, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it, onTestFinished } from 'vitest';
import { whileConnecting } from '../../lib/engine/index.ts';
import { VirtualClock } from '../support/virtual-clock.ts';
import { LEFT_BEHIND, siteForTest } from './site.ts';

it('what was read ahead is for the session that read it, once; a session that nobody takes is ended', async () => {
  const site = await siteForTest();
  const other = await site.session('lockstep tests');
  await whileConnecting(
    site.context(),
    async () => undefined,
    async (_, opening) => {
      const own = await opening.takeSession()!;
      expect(await opening.takeLedger(other)).toBeUndefined();
      expect(await opening.takeLedger(own)).toMatchObject({ current: [], lastEntryId: '0' });
      expect([await opening.takeLedger(own), opening.takeSession()]).toEqual([undefined, undefined]);
      await own.end();
    },
  );
  await other.end();
  await whileConnecting(
    site.context(),
    async () => undefined,
    async () => undefined,
  );
  expect(await site.rows(LEFT_BEHIND)).toEqual([]);
});

it('eight log in at a time, of all that start in one process; who does not get on lets others begin', async () => {
  const sockets: Socket[] = [];
  const server = createServer((socket) => sockets.push(socket.on('error', () => undefined)));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  const clock = new VirtualClock();
  const giving = new AbortController();
  const database = {
    host: '127.0.0.1',
    port,
    user: 'u',
    password: 'p',
    database: 'd',
    tls: 'disable',
  } as const;
  const context = { database, clock, signal: giving.signal };
  const starts = Array.from({ length: 20 }, () =>
    whileConnecting(
      context,
      async () => undefined,
      async (_, opening) => opening.takeSession(),
    ),
  );
  for (const connected of [8, 16, 20]) {
    await expect.poll(() => sockets.length).toBe(connected);
    await sleep(50);
    expect(sockets.length).toBe(connected);
    await clock.run(150);
  }
  giving.abort(new Error('enough'));
  const ends = await Promise.allSettled(starts);
  expect(ends.filter(({ status }) => status === 'fulfilled')).toEqual([]);
});
