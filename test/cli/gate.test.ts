import { execFile } from 'node:child_process';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { promisify } from 'node:util';
import { afterEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { holdRequests, migrateOnStartup, type RequestGate, waitForSchema } from '../../lib/gate.ts';
import { queryRows } from '../support/postgres.ts';
import { folderWith } from './command-line.ts';
import { databaseForTest } from './database-content.ts';

const FILES = {
  '0001_effects.sql': 'CREATE TABLE effects (n int);\n',
  '0002_effect.sql': 'INSERT INTO effects VALUES (2);\n',
};

afterEach(() => {
  vi.unstubAllEnvs();
});

async function site() {
  const database = await databaseForTest();
  return { databaseUrl: database.url, migrations: await folderWith(FILES) };
}

describe('migrateOnStartup', () => {
  it('called by ten instances at once applies each migration once; all of them are ready', async () => {
    const options = await site();
    const outcomes = await Promise.all(Array.from({ length: 10 }, () => migrateOnStartup(options)));
    expect(outcomes.map(({ mode }) => mode)).toEqual(Array(10).fill('run'));
    expect(outcomes.filter((o) => o.mode === 'run' && o.ran)).toHaveLength(1);
    expect(await queryRows(options.databaseUrl, 'SELECT n FROM effects')).toEqual([{ n: 2 }]);
  });

  it('only waits with LOCKSTEP_MIGRATE=wait', async () => {
    const options = await site();
    vi.stubEnv('LOCKSTEP_MIGRATE', 'wait');
    const waiting = migrateOnStartup({ ...options, timeoutMs: 300 });
    await expect(waiting).rejects.toMatchObject({ code: 'LS405' });
  });

  it('does nothing with LOCKSTEP_MIGRATE=off, without any setting', async () => {
    vi.stubEnv('LOCKSTEP_MIGRATE', 'off');
    for (const outcome of [await migrateOnStartup(), await waitForSchema()]) {
      expect(outcome).toEqual({ mode: 'off', leave: expect.any(Function) });
      await outcome.leave();
    }
  });

  it('only waits on a platform with many instances, says so, and how to change that', async () => {
    const options = await site();
    vi.stubEnv('KUBERNETES_SERVICE_HOST', '10.0.0.1');
    const told: unknown[] = [];
    const waiting = migrateOnStartup({ ...options, timeoutMs: 300, on: (event) => told.push(event) });
    await expect(waiting).rejects.toMatchObject({
      code: 'LS405',
      remedy: expect.stringMatching(/^On Kubernetes .* LOCKSTEP_MIGRATE=run/),
    });
    expect(told[0]).toEqual({ kind: 'left-to-others', deployment: 'Kubernetes' });
    vi.stubEnv('LOCKSTEP_MIGRATE', 'run');
    expect(await migrateOnStartup(options)).toMatchObject({ mode: 'run', ran: true });
    vi.stubEnv('LOCKSTEP_MIGRATE', '');
    expect(await migrateOnStartup(options)).toMatchObject({ mode: 'wait' });
  });

  it("only waits in a worker of Node's cluster", async () => {
    const options = JSON.stringify({ ...(await site()), timeoutMs: 0 });
    const gate = JSON.stringify(new URL('../../lib/gate.ts', import.meta.url).href);
    const script = `import cluster from 'node:cluster'; import { migrateOnStartup } from ${gate};
      const on = (event) => console.log(JSON.stringify(event));
      if (cluster.isPrimary) cluster.fork();
      else await migrateOnStartup({ ...${options}, on }).catch(({ code }) => console.log(code)).finally(() => process.exit());`;
    const file = join(await folderWith({ 'app.mjs': script }), 'app.mjs');
    const { stdout } = await promisify(execFile)(process.execPath, [file]);
    expect(stdout).toContain('{"kind":"left-to-others","deployment":"Node\'s cluster"}\n');
    expect(stdout).toContain('LS405');
  });

  it('refuses another value of LOCKSTEP_MIGRATE', async () => {
    vi.stubEnv('LOCKSTEP_MIGRATE', 'yes');
    await expect(migrateOnStartup(await site())).rejects.toMatchObject({
      code: 'LS102',
      what: expect.stringContaining('yes'),
    });
  });
});

it('an instance is ready when repeatable objects are current, too', async () => {
  const databaseUrl = (await databaseForTest()).url;
  const migrations = await folderWith({
    ...FILES,
    'R_twice.sql': 'CREATE OR REPLACE VIEW twice AS SELECT 2 * n FROM effects;',
  });
  await migrateOnStartup({ databaseUrl, migrations: await folderWith(FILES) });
  await expect(waitForSchema({ databaseUrl, migrations, timeoutMs: 300 })).rejects.toMatchObject({
    code: 'LS405',
  });
  expect(await migrateOnStartup({ databaseUrl, migrations })).toMatchObject({ applied: ['R_twice'] });
  expect(await waitForSchema({ databaseUrl, migrations })).toMatchObject({
    plan: { outcome: 'nothing-pending' },
  });
});

it('an instance applies what comes too late where that is allowed', async () => {
  const databaseUrl = (await databaseForTest()).url;
  const { '0002_effect.sql': _, ...first } = FILES;
  await migrateOnStartup({
    databaseUrl,
    migrations: await folderWith({ ...first, '0003_more.sql': 'SELECT 1;' }),
  });
  const migrations = await folderWith({ ...FILES, '0003_more.sql': 'SELECT 1;' });
  await expect(migrateOnStartup({ databaseUrl, migrations })).rejects.toMatchObject({ code: 'LS502' });
  expect(await migrateOnStartup({ databaseUrl, migrations, outOfOrder: 'allow' })).toMatchObject({
    outOfOrder: ['0002_effect'],
  });
});

describe('waitForSchema', () => {
  it('returns when others have applied everything, and applies nothing itself', async () => {
    const options = await site();
    const seen: string[] = [];
    let isReady = false;
    const { promise: looked, resolve } = Promise.withResolvers<void>();
    const on = ({ kind }: { kind: string }) => {
      seen.push(kind);
      resolve();
    };
    const waiting = waitForSchema({ ...options, on }).then((outcome) => {
      isReady = true;
      return outcome;
    });
    await looked;
    expect(isReady).toBe(false);
    expect(
      await queryRows(options.databaseUrl, `SELECT 1 FROM pg_namespace WHERE nspname = 'lockstep'`),
    ).toEqual([]);
    await migrateOnStartup(options);
    expect(await waiting).toMatchObject({
      mode: 'wait',
      plan: { outcome: 'nothing-pending', appliedCount: 2 },
    });
    expect(seen).toContain('schema-not-ready');
  });

  it('ends with LS605 when its signal aborts', async () => {
    const options = await site();
    const controller = new AbortController();
    const waiting = waitForSchema({ ...options, signal: controller.signal, on: () => controller.abort() });
    await expect(waiting).rejects.toMatchObject({ code: 'LS605' });
  });
});

describe('a server that listens meanwhile', () => {
  const answer = (gate: RequestGate, url: string) => {
    let status: number | 'passed' = 'passed';
    const response = { writeHead: (code: number) => (status = code), end: () => undefined };
    gate({ url } as IncomingMessage, response as unknown as ServerResponse, () => undefined);
    return status;
  };

  it('says that it lives, and not that it is ready, until it is', async () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    const gate = holdRequests(promise, { livePath: '/up' });
    expect(['/up', '/up?x', '/livez', '/'].map((url) => answer(gate, url))).toEqual([200, 200, 503, 503]);
    resolve();
    await promise;
    expect(['/up', '/'].map((url) => answer(gate, url))).toEqual(['passed', 'passed']);
  });

  it('holds WebSockets, too, if their listener comes after `await start`', async () => {
    const { promise: start, resolve } = Promise.withResolvers<void>();
    const gate = holdRequests(start);
    const server = createServer((request, response) => gate(request, response, () => response.end()));
    await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
    onTestFinished(() => void server.close());
    const answered = () => {
      const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
      socket.end('GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n');
      return text(socket);
    };
    expect(await answered()).toMatch(/^HTTP\/1.1 503 /);
    resolve();
    await start;
    server.on('upgrade', (_, socket) => socket.end('HTTP/1.1 101 Switching Protocols\r\n\r\n'));
    expect(await answered()).toMatch(/^HTTP\/1.1 101 /);
  });

  it('stays closed when the schema does not get ready, and is not alive either', async () => {
    const start = Promise.reject(new Error('no'));
    const gate = holdRequests(start);
    await expect(start).rejects.toThrow('no');
    expect(['/livez', '/'].map((url) => answer(gate, url))).toEqual([503, 503]);
  });
});
