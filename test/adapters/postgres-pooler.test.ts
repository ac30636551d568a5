import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import pg from 'pg';
import { describe, expect, it, onTestFinished } from 'vitest';
import { loadParser } from '../../lib/adapters/libpg-query/index.ts';
import { MemoryLeaseStore } from '../../lib/adapters/memory/index.ts';
import type { DatabaseConfig } from '../../lib/adapters/postgres/index.ts';
import { diagnose } from '../../lib/core/diagnosis/index.ts';
import { examine, migrate, readPlan, readStatus, waitUntilApplied } from '../../lib/engine/index.ts';
import { failureOf, type Site, siteForTest, sourceOf } from '../engine/site.ts';
import { queryRows } from '../support/postgres.ts';

/** A session of the server, taken over from node-pg once it is logged in. */
async function serverSession({ url }: Site): Promise<Socket> {
  const client = new pg.Client({ connectionString: url });
  client.on('error', () => undefined);
  await client.connect();
  const { stream } = (client as unknown as { connection: { stream: Socket } }).connection;
  stream.removeAllListeners('data').on('error', () => undefined);
  onTestFinished(() => void stream.destroy());
  return stream;
}

/** Messages of the protocol, of which those from the server and all but the first from a client begin with a letter. */
function* messages(pending: { bytes: Buffer }, hasType: boolean): Generator<Buffer> {
  for (;;) {
    const head = hasType ? 1 : 0;
    if (pending.bytes.length < head + 4) return;
    const end = head + pending.bytes.readInt32BE(head);
    if (pending.bytes.length < end) return;
    yield pending.bytes.subarray(0, end);
    pending.bytes = pending.bytes.subarray(end);
    hasType = true;
  }
}

const LOGGED_IN = Buffer.from([0x52, 0, 0, 0, 8, 0, 0, 0, 0, 0x5a, 0, 0, 0, 5, 0x49]);
const [QUERY, READY] = ['Q'.charCodeAt(0), 'Z'.charCodeAt(0)];

/**
 * In front of two server sessions: the n-th transaction of a client runs in the one that `pick` says. It keeps them when
 * the client goes, as poolers do.
 */
async function poolerOn(site: Site, pick: (transaction: number) => 0 | 1): Promise<DatabaseConfig> {
  const sessions = [await serverSession(site), await serverSession(site)] as const;
  const server = createServer((client) => {
    client.on('error', () => undefined);
    let count = 0;
    let inTransaction = false;
    let session: Socket = sessions[0];
    const sent = { bytes: Buffer.alloc(0) };
    let begun = false;
    client.on('data', (chunk) => {
      sent.bytes = Buffer.concat([sent.bytes, chunk]);
      for (const message of messages(sent, begun)) {
        if (!begun) client.write(LOGGED_IN);
        else if (message[0] === QUERY) {
          if (!inTransaction) session = sessions[pick(count++)];
          if (session.destroyed) client.destroy();
          else session.write(message);
        }
        begun = true;
      }
    });
    for (const each of sessions) {
      const received = { bytes: Buffer.alloc(0) };
      const receive = (chunk: Buffer) => {
        received.bytes = Buffer.concat([received.bytes, chunk]);
        for (const message of messages(received, true)) {
          if (message[0] === READY) inTransaction = message[5] !== 'I'.charCodeAt(0);
          client.write(message);
        }
      };
      const close = () => client.destroy();
      each.on('data', receive).once('close', close);
      client.once('close', () => each.off('data', receive).off('close', close));
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  return { ...site.database, port: (server.address() as AddressInfo).port };
}

const FILES = { '0001_a.sql': 'CREATE TABLE a ();' };
const LOCKS = `SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`;

describe('behind a pooler that changes the server session between transactions', () => {
  it.each<[string, (transaction: number) => 0 | 1]>([
    ['with each', (n) => (n % 2 === 0 ? 0 : 1)],
    ['with every second', (n) => (n % 4 < 2 ? 0 : 1)],
    ['with every third', (n) => (n % 6 < 3 ? 0 : 1)],
    ['once, after the first', (n) => (n === 0 ? 0 : 1)],
  ])('%s, nothing is applied and no lock stays behind: LS304', async (_, pick) => {
    for (const leases of ['postgres', new MemoryLeaseStore()] as const) {
      const site = await siteForTest();
      const database = await poolerOn(site, pick);
      const error = await failureOf(site.up(FILES, { database, leases }));
      expect(error).toMatchObject({ code: 'LS304', name: 'DatabaseRefusedError' });
      await expect.poll(() => site.rows(LOCKS)).toEqual([]);
      expect(await site.rows("SELECT to_regclass('a') AS a")).toEqual([{ a: null }]);
    }
  });

  it('a diagnosis tells the two modes apart, and leaves no lock', async () => {
    const site = await siteForTest();
    const judged = async (pick: (transaction: number) => 0 | 1) => {
      const database = await poolerOn(site, pick);
      const migrations = { absent: 'No directory.' };
      const options = { ...site.context({ database }), migrations, loadParser, wallClockMs: Date.now };
      return diagnose(await examine(options)).find(({ name }) => name === 'pooler');
    };
    expect(await judged((n) => (n % 2 === 0 ? 0 : 1))).toMatchObject({
      level: 'problem',
      see: expect.stringContaining('#ls304'),
    });
    expect(await judged(() => 1)).toMatchObject({ level: 'note' });
    expect(await site.rows(LOCKS)).toEqual([]);
  });

  it('finds its session afterwards as it was, whatever looked, waited or migrated through it', async () => {
    const site = await siteForTest();
    const database = await poolerOn(site, () => 0);
    const url = new URL(site.url);
    url.port = String(database.port);
    const seen = async () => {
      const [row] = await queryRows<{ settings: string }>(
        url.href,
        `SELECT string_agg(name || '=' || setting, E'\\n' ORDER BY name) AS settings FROM pg_settings
         WHERE name NOT LIKE 'plpgsql.%'`,
      );
      return row!.settings.split('\n');
    };
    const before = await seen();
    const context = { ...site.context({ database }), source: sourceOf(FILES) };
    const uses: Record<string, () => Promise<unknown>> = {
      status: () => readStatus(context),
      plan: () => readPlan(context),
      doctor: () =>
        examine({ ...context, migrations: { absent: 'No directory.' }, loadParser, wallClockMs: Date.now }),
      wait: () => waitUntilApplied({ ...context, timeoutMs: 100 }).catch(() => undefined),
      up: () => migrate(context),
    };
    for (const [name, use] of Object.entries(uses)) {
      await use();
      expect({ name, settings: await seen() }).toEqual({ name, settings: before });
    }
    expect(await site.rows("SELECT to_regclass('a') AS a")).toEqual([{ a: 'a' }]);
  });

  it('that keeps to one session (session mode) everything works', async () => {
    const site = await siteForTest();
    const database = await poolerOn(site, () => 1);
    expect((await site.up(FILES, { database })).applied).toEqual(['0001_a']);
  });
});
