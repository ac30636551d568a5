import { describe, expect, it } from 'vitest';
import { loadParser } from '../../lib/adapters/libpg-query/index.ts';
import { MemoryLeaseStore } from '../../lib/adapters/memory/index.ts';
import { diagnose } from '../../lib/core/diagnosis/index.ts';
import { examine, migrate, readPlan, readStatus, waitUntilApplied } from '../../lib/engine/index.ts';
import { failureOf, type Site, siteForTest, sourceOf } from '../engine/site.ts';
import { sharingPooler } from '../support/poolers.ts';
import { queryRows } from '../support/postgres.ts';

const poolerOn = async ({ url, database }: Site, pick: (transaction: number) => 0 | 1) => ({
  ...database,
  port: await sharingPooler(url, pick),
});

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

  it.each<[string, (transaction: number) => 0 | 1]>([
    ['with each', (n) => (n % 2 === 0 ? 0 : 1)],
    ['once, after the lock', (n) => (n < 2 ? 0 : 1)],
    ['once, when it has a token', (n) => (n < 5 ? 0 : 1)],
  ])(
    'that says the pid of one of them, %s, nothing is applied and no lock stays behind: LS304',
    async (_, pick) => {
      const site = await siteForTest();
      const database = { ...site.database, port: await sharingPooler(site.url, pick, false) };
      expect(await failureOf(site.up(FILES, { database }))).toMatchObject({ code: 'LS304' });
      await expect.poll(() => site.rows(LOCKS)).toEqual([]);
      expect(await site.rows("SELECT to_regclass('a') AS a")).toEqual([{ a: null }]);
    },
  );

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
