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

  // The first message and the look at the ledger, the try for the lock, the look for the ledger, what is written then.
  it.each([
    ['before the lock', 2],
    ['after it', 3],
    ['before the first token', 4],
  ])(
    'says the pid of one of them, and changes %s: nothing is applied and no lock stays behind: LS304',
    async (_, kept) => {
      for (const files of [undefined, { '0001_before.sql': 'CREATE TABLE before ();' }]) {
        const site = await siteForTest();
        if (files) await site.up(files);
        const port = await sharingPooler(site.url, (n) => (n < kept ? 0 : 1), false);
        const database = { ...site.database, port };
        expect(
          await failureOf(site.up({ ...files, '0002_a.sql': 'CREATE TABLE a ();' }, { database })),
        ).toMatchObject({
          code: 'LS304',
        });
        await expect.poll(() => site.rows(LOCKS)).toEqual([]);
        expect(await site.rows("SELECT to_regclass('a') AS a")).toEqual([{ a: null }]);
        if (files) expect(await site.rows('SELECT token::int FROM lockstep.fence')).toEqual([{ token: 1 }]);
        else if (kept < 4)
          expect(await site.rows("SELECT to_regnamespace('lockstep') AS s")).toEqual([{ s: null }]);
      }
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
