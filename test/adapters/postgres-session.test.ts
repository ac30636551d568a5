import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket, connect as tcpConnect } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { cancelRunning, connect, type Session } from '../../lib/adapters/postgres/index.ts';
import { systemClock } from '../../lib/adapters/process/clock.ts';
import { failureOf, SLEEPING, siteForTest } from '../engine/site.ts';
import { lingeringServer } from '../support/poolers.ts';
import { holdQueries } from '../support/wire.ts';

const raise = (session: Session, sqlstate: string) =>
  failureOf(
    session.query(
      `DO $$ BEGIN RAISE 'said' USING ERRCODE = '${sqlstate}', DETAIL = 'row-data', HINT = 'row-data'; END $$`,
    ),
  );

describe('an error of a coordinator statement', () => {
  it('is told by its SQLSTATE', async () => {
    const session = await (await siteForTest()).session();
    const codes = {
      '28P01': 'LS302',
      '28000': 'LS302',
      '3D000': 'LS308',
      '42501': 'LS306',
      '25006': 'LS305',
      '08006': 'LS301',
      '57P01': 'LS301',
      '25P03': 'LS301',
      LS001: 'LS403',
      LS002: 'LS602',
      LS003: 'LS608',
      LS004: 'LS304',
      '42P01': 'LS901',
    };
    for (const [sqlstate, code] of Object.entries(codes)) {
      const error = await raise(session, sqlstate);
      expect({ sqlstate, code: error.code }).toEqual({ sqlstate, code });
      expect(JSON.stringify({ ...error, cause: { ...(error.cause as object) } })).not.toContain('row-data');
    }
  });
});

describe('a session', () => {
  it('counts the statements of a message that were done, whatever is asked at the same time', async () => {
    const session = await (await siteForTest()).session();
    const [, failed] = await Promise.allSettled([
      session.run('SELECT 1; SELECT 2'),
      session.run('SELECT 3; CREATE TABLE public.a (); SELECT 1 / 0; SELECT 4'),
    ]);
    expect(failed).toMatchObject({ reason: { code: '22012', commandsDone: ['SELECT 1', 'CREATE TABLE'] } });
    await expect(session.run('SELECT 1 / 0')).rejects.toMatchObject({ commandsDone: [] });
  });

  it('that the server has ended says so at once, to who waits for it and to who asks', async () => {
    const site = await siteForTest();
    const session = await site.session();
    const lost = once(session.lost, 'abort');
    await site.rows(`SELECT pg_terminate_backend(${session.facts.pid})`);
    await lost;
    expect(session.lost.reason).toMatchObject({ code: 'LS301' });
    expect(await failureOf(session.query('SELECT 1'))).toMatchObject({ code: 'LS301' });
    await session.end();
  });

  it('over a link that is cut ends all the same', async () => {
    const site = await siteForTest();
    const sockets: Socket[] = [];
    const front = createServer((socket) => {
      const to = tcpConnect(site.database.port, site.database.host);
      sockets.push(
        socket.on('error', () => undefined),
        to.on('error', () => undefined),
      );
      socket.pipe(to).pipe(socket);
    }).listen(0, '127.0.0.1');
    await once(front, 'listening');
    onTestFinished(() => {
      for (const socket of sockets) socket.destroy();
      front.close();
    });
    const config = { ...site.database, port: (front.address() as AddressInfo).port };
    const session = await connect({ config, clock: systemClock, applicationName: 'lockstep test' });
    for (const socket of sockets) socket.unpipe().pause();
    const startedMs = performance.now();
    await session.end();
    expect(performance.now() - startedMs).toBeLessThan(5_000);
  });
});

it('a statement whose cancelling gets no answer loses its connection, in a limited time', async () => {
  const site = await siteForTest();
  // The first one is that of the session, the second one would cancel.
  const config = { ...site.database, port: await holdQueries(site.url, (connection) => connection > 1) };
  const session = await connect({ config, clock: systemClock, applicationName: 'lockstep test' });
  const running = failureOf(session.query('SELECT pg_sleep(60)'));
  await site.until(SLEEPING);
  await cancelRunning(session, systemClock);
  expect(session.isLost).toBe(true);
  expect(await running).toMatchObject({ code: 'LS301' });
});

describe('the end of a session that leaves at once', () => {
  it('waits for nobody, but where it is asked to: then its locks are free', async () => {
    const site = await siteForTest();
    const { port, close } = await lingeringServer(site.url);
    const config = { ...site.database, port, leavesAtOnce: true };
    const open = () => connect({ config, clock: systemClock, applicationName: 'lockstep test' });
    const [hasty, patient] = [await open(), await open()];
    let isOver = false;
    const ended = patient.end(true).then(() => {
      isOver = true;
    });
    await hasty.end();
    expect(isOver).toBe(false);
    close();
    await ended;
  });
});
