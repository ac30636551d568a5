import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket, connect as tcpConnect } from 'node:net';
import { TLSSocket } from 'node:tls';
import { describe, expect, inject, it, onTestFinished } from 'vitest';
import { refuseOldServer } from '../../lib/adapters/postgres/connect.ts';
import { type ConnectOptions, connect, type DatabaseConfig } from '../../lib/adapters/postgres/index.ts';
import { systemClock } from '../../lib/adapters/process/clock.ts';
import { configOf, failureOf } from '../engine/site.ts';
import { selfSigned, type TestCertificate } from '../support/certificate.ts';
import { errorOf } from '../support/compile.ts';
import { holdQueries } from '../support/wire.ts';

const real = (): DatabaseConfig => configOf(inject('postgresUrl'));

/** Opens a session and ends it; what it says of itself. */
async function tryConnect(config: DatabaseConfig, options: Partial<ConnectOptions> = {}) {
  const session = await connect({ config, clock: systemClock, applicationName: 'lockstep test', ...options });
  await session.end();
  return session.facts;
}

/** A server of the test's own on 127.0.0.1; closed with the test. */
async function listen(onSocket: (socket: Socket) => void, port = 0) {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket.on('error', () => undefined).on('close', () => sockets.delete(socket)));
    onSocket(socket);
  });
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return { port: (server.address() as AddressInfo).port, server, sockets };
}

function passOn(from: Socket): void {
  const { host, port } = real();
  const to = tcpConnect(port, host).on('error', () => from.destroy());
  from.pipe(to).pipe(from);
}

/** An ErrorResponse, as a server sends it that does not let anybody in yet. */
function refuseWith(sqlstate: string, socket: Socket): void {
  const fields = `SFATAL\0C${sqlstate}\0Mthe database system is starting up\0\0`;
  const head = Buffer.alloc(5);
  head.write('E');
  head.writeInt32BE(4 + fields.length, 1);
  socket.end(Buffer.concat([head, Buffer.from(fields)]));
}

const until = (condition: () => boolean) => expect.poll(condition, { timeout: 5_000 }).toBe(true);

describe('a server that is not there yet', () => {
  it('is waited for while nobody listens, and while it says that it is starting', async () => {
    const { port, server } = await listen(() => undefined);
    server.close();
    const reasons: string[] = [];
    const connecting = tryConnect({ ...real(), port }, { onRetry: (_, reason) => reasons.push(reason) });
    await until(() => reasons.length === 2);
    let starting = 0;
    await listen((socket) => (++starting <= 2 ? refuseWith('57P03', socket) : passOn(socket)), port);
    expect((await connecting).database).toBe('postgres');
    expect(reasons[0]).toContain('ECONNREFUSED');
    expect(reasons.at(-1)).toBe('the database system is starting up');
  });

  it('is waited for no longer than the budget', async () => {
    const { port, server } = await listen(() => undefined);
    server.close();
    const startedMs = performance.now();
    const error = await failureOf(tryConnect({ ...real(), port, connectBudgetMs: 700 }));
    expect(error).toMatchObject({
      code: 'LS301',
      what: expect.stringContaining(`127.0.0.1:${port} within 0.7 s`),
    });
    expect(performance.now() - startedMs).toBeLessThan(5_000);
  });

  it('that accepts and never answers uses up the budget, too', async () => {
    const { port } = await listen(() => undefined);
    const error = await failureOf(tryConnect({ ...real(), port, connectBudgetMs: 500 }));
    expect(error).toMatchObject({ code: 'LS301', what: expect.stringContaining('timeout expired') });
  });

  it('that lets one log in and answers no query uses it up as well', async () => {
    const port = await holdQueries(inject('postgresUrl'), () => true);
    const error = await failureOf(tryConnect({ ...real(), port, connectBudgetMs: 500 }));
    expect(error).toMatchObject({ code: 'LS301', what: expect.stringContaining('does not answer') });
  });

  it('is given up at once when the caller aborts, whatever it waits for', async () => {
    const silent = await listen((socket) => socket.resume());
    const never = () => new Promise<string>(() => undefined);
    const configs: DatabaseConfig[] = [
      { ...real(), port: silent.port },
      { ...real(), port: silent.port, tls: 'verify' },
      { ...real(), port: 1 },
      { ...real(), password: never },
    ];
    for (const config of configs) {
      const controller = new AbortController();
      const connecting = tryConnect(config, { signal: controller.signal }).catch((error: unknown) => error);
      await systemClock.sleep(150);
      const abortedMs = performance.now();
      controller.abort(new Error('enough'));
      expect(await connecting).toMatchObject({ message: 'enough' });
      expect(performance.now() - abortedMs).toBeLessThan(2_000);
    }
    await until(() => silent.sockets.size === 0);
  });
});

describe('a server that says no is asked once', () => {
  const refused = async (changes: Partial<DatabaseConfig>) => {
    const retries: string[] = [];
    const onRetry = (_: number, reason: string) => retries.push(reason);
    const error = await failureOf(tryConnect({ ...real(), ...changes }, { onRetry }));
    expect(retries).toEqual([]);
    return error;
  };

  it.each<[string, Partial<DatabaseConfig>, string]>([
    ['a wrong password', { password: 'wrong-word' }, 'LS302'],
    ['an unknown user', { user: 'nobody' }, 'LS302'],
    ['no password where one is needed', { password: undefined }, 'LS302'],
    ['an unknown database', { database: 'nowhere' }, 'LS308'],
    ['TLS where the server has none', { tls: 'verify' }, 'LS303'],
  ])('%s', async (_, changes, code) => {
    const error = await refused(changes);
    expect(error).toMatchObject({ code, state: 'Nothing was changed in the database.' });
    expect(error.message).not.toContain('wrong-word');
  });

  it('one that is too old', () => {
    expect(errorOf(() => refuseOldServer(130_014))).toMatchObject({
      code: 'LS309',
      what: 'The server is PostgreSQL 13; Lockstep needs 14 or newer.',
    });
    expect(() => refuseOldServer(140_000)).not.toThrow();
  });
});

describe('TLS', () => {
  /** A front that speaks TLS and passes on to the real server. */
  async function behindTls({ keyPem, certificatePem }: TestCertificate): Promise<DatabaseConfig> {
    const { port } = await listen((socket) => {
      socket.once('data', () => {
        socket.write('S');
        passOn(new TLSSocket(socket, { isServer: true, key: keyPem, cert: certificatePem }));
      });
    });
    return { ...real(), port, tls: 'verify' };
  }

  it('works with the certificate that is trusted, by address and by name', async () => {
    for (const host of ['127.0.0.1', 'localhost']) {
      const certificate = selfSigned(host === 'localhost' ? { dns: host } : { ip: host });
      const config = { ...(await behindTls(certificate)), host, caPem: certificate.certificatePem };
      expect((await tryConnect(config)).user).toBe('postgres');
    }
  });

  it.each<[string, Parameters<typeof selfSigned>[0], boolean, RegExp]>([
    ['one that nobody trusts', { ip: '127.0.0.1' }, false, /sslrootcert=FILE/],
    ['one of another host', { dns: 'db.example.com' }, true, /name that is in the certificate/],
  ])('refuses %s', async (_, subject, trusted, remedy) => {
    const certificate = selfSigned(subject);
    const config = await behindTls(certificate);
    const error = await failureOf(
      tryConnect(trusted ? { ...config, caPem: certificate.certificatePem } : config),
    );
    expect(error).toMatchObject({ code: 'LS303', remedy: expect.stringMatching(remedy) });
  });

  it('refuses a file that is no certificate at once', async () => {
    const config = { ...(await behindTls(selfSigned({ ip: '127.0.0.1' }))), caPem: 'not a certificate' };
    expect(await failureOf(tryConnect(config))).toMatchObject({ code: 'LS303' });
  });
});
