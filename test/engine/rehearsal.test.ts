/** Rehearsals on a copy that is given: what is measured, and what is refused. */
import { describe, expect, onTestFinished, test } from 'vitest';
import { type RehearseResult, rehearse } from '../../lib/engine/rehearsal/index.ts';
import { createDatabase, queryRows } from '../support/postgres.ts';
import { configOf, type Files, failureOf, LEFT_BEHIND, type Site, siteForTest, sourceOf } from './site.ts';

const FIRST = {
  '0001_orders.sql': `CREATE TABLE orders (id int PRIMARY KEY, amount int);
    INSERT INTO orders SELECT g, g FROM generate_series(1, 20000) g;`,
};

/** Goes on when so many sessions wait for the table, and have waited for a while: no clock decides what is seen. */
const untilWaiting = (sessions: number): string => `DO $$ BEGIN
  WHILE (SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'orders'::regclass) < ${sessions} LOOP
    PERFORM pg_sleep(0.01);
  END LOOP;
  PERFORM pg_sleep(0.2);
END $$;`;

/** A database of the same content, on the same server. */
async function copyOf({ name }: Site): Promise<string> {
  const copy = await createDatabase();
  onTestFinished(copy.drop);
  const maintenance = new URL(copy.url);
  maintenance.pathname = '/postgres';
  await queryRows(maintenance.href, `DROP DATABASE ${copy.name}`);
  await queryRows(maintenance.href, `CREATE DATABASE ${copy.name} TEMPLATE ${name}`);
  return copy.url;
}

const rehearseOn = (site: Site, copy: string, files: Files): Promise<RehearseResult> => {
  const { leases, ...context } = site.context();
  return rehearse({ ...context, original: site.database, database: configOf(copy), source: sourceOf(files) });
};

async function migratedSite(): Promise<Site> {
  const site = await siteForTest();
  await site.up(FIRST);
  return site;
}

describe('what is measured of a step', () => {
  test('its strong locks with the size of the table and the line, and for how long others waited', async () => {
    const site = await migratedSite();
    const retype = `SELECT 1;\nALTER TABLE orders ALTER COLUMN amount TYPE bigint;\n${untilWaiting(2)}`;
    const { steps, error } = await rehearseOn(site, await copyOf(site), {
      ...FIRST,
      '0002_retype.sql': retype,
    });
    expect(error).toBeUndefined();
    const [step] = steps;
    expect(steps).toHaveLength(1);
    expect(step).toMatchObject({
      migration: '0002_retype',
      step: 1,
      steps: 1,
      kind: 'transaction',
      notProbed: [],
    });
    expect(step?.locks).toMatchObject([
      { relation: 'public.orders', mode: 'ACCESS EXCLUSIVE', isRecorded: true, line: 2 },
    ]);
    expect(step?.locks[0]?.bytes).toBeGreaterThan(500_000);
    expect(step?.locks[0]?.heldMs).toBeGreaterThanOrEqual(200);
    for (const who of ['readers', 'writers'] as const) {
      const wait = step?.waits.find((each) => each.who === who);
      expect(wait).toMatchObject({ relation: 'public.orders' });
      expect(wait?.longestMs).toBeGreaterThanOrEqual(200);
      expect(wait?.longestMs).toBeLessThanOrEqual(step!.durationMs);
    }
  });

  test('which tables it rewrites and which indexes it builds, and the room that both take meanwhile', async () => {
    const site = await migratedSite();
    const retype = `ALTER TABLE orders ALTER COLUMN amount TYPE bigint; CREATE INDEX by_amount ON orders (amount); SELECT pg_sleep(1);`;
    const { steps, databaseBytes } = await rehearseOn(site, await copyOf(site), {
      ...FIRST,
      '0002_retype.sql': retype,
    });
    expect(databaseBytes).toBeGreaterThan(5_000_000);
    expect(steps[0]?.rewritten).toMatchObject([{ relation: 'public.orders' }]);
    expect(steps[0]?.indexes.map(({ index }) => index).toSorted()).toEqual([
      'public.by_amount',
      'public.orders_pkey',
    ]);
    expect(steps[0]?.peakBytes).toBeGreaterThan(steps[0]!.growthBytes + 500_000);
    expect(steps[0]?.walBytes).toBeGreaterThan(500_000);
  });

  test('that writers wait for a lock that lets readers go on', async () => {
    const site = await migratedSite();
    const files = {
      ...FIRST,
      '0002_index.sql': `CREATE INDEX by_amount ON orders (amount); ${untilWaiting(1)}`,
    };
    const { steps } = await rehearseOn(site, await copyOf(site), files);
    const longest = (who: string) => steps[0]?.waits.find((wait) => wait.who === who)?.longestMs ?? 0;
    expect(steps[0]?.locks).toMatchObject([{ relation: 'public.orders', mode: 'SHARE' }]);
    expect(longest('writers')).toBeGreaterThanOrEqual(200);
    expect(longest('readers')).toBeLessThan(longest('writers'));
  });

  test('also what a function locks, of which no parser knows', async () => {
    const site = await migratedSite();
    const hidden = `DO $$ BEGIN LOCK TABLE orders; END $$; ${untilWaiting(2)}`;
    const { steps } = await rehearseOn(site, await copyOf(site), { ...FIRST, '0002_hidden.sql': hidden });
    expect(steps[0]).toMatchObject({
      locks: [{ relation: 'public.orders', mode: 'ACCESS EXCLUSIVE', isRecorded: false, line: null }],
      notProbed: [],
    });
    expect(steps[0]?.waits).toHaveLength(2);
  });

  test('each step by itself; one outside a transaction keeps nobody waiting', async () => {
    const site = await migratedSite();
    const files = {
      ...FIRST,
      '0002_both.sql': `ALTER TABLE orders ADD note text; CREATE INDEX CONCURRENTLY by_note ON orders (note);`,
      'R_dear.sql': 'CREATE OR REPLACE VIEW dear AS SELECT id FROM orders WHERE amount > 10;',
    };
    const { steps } = await rehearseOn(site, await copyOf(site), files);
    expect(steps.map(({ migration, step, kind }) => [migration, step, kind])).toEqual([
      ['0002_both', 1, 'transaction'],
      ['0002_both', 2, 'alone'],
      ['R_dear', 1, 'transaction'],
    ]);
    expect(steps[0]?.locks).toMatchObject([{ mode: 'ACCESS EXCLUSIVE', line: 1 }]);
    expect(steps[1]).toMatchObject({ locks: [], indexes: [{ index: 'public.by_note' }] });
  });

  test('whoever waits for a table that is dropped waits, too', async () => {
    const site = await migratedSite();
    const drop = `DROP TABLE orders; DO $$ BEGIN
      WHILE (SELECT count(*) FROM pg_locks WHERE NOT granted AND locktype = 'relation'
        AND database = (SELECT oid FROM pg_database WHERE datname = current_database())) < 2 LOOP
        PERFORM pg_sleep(0.01);
      END LOOP;
      PERFORM pg_sleep(0.2);
    END $$;`;
    const { steps } = await rehearseOn(site, await copyOf(site), {
      ...FIRST,
      '0002_drop.contract.sql': drop,
    });
    expect(steps[0]?.notProbed).toEqual([]);
    expect(steps[0]?.waits.every(({ longestMs }) => longestMs >= 200)).toBe(true);
    expect(steps[0]?.waits).toHaveLength(2);
  });
});

describe('a rehearsal', () => {
  test('changes the copy as a run changes the database, which it leaves as it was', async () => {
    const site = await migratedSite();
    const copy = await copyOf(site);
    const ledger = 'SELECT * FROM lockstep.entry';
    const before = await site.rows(ledger);
    await rehearseOn(site, copy, { ...FIRST, '0002_note.sql': 'ALTER TABLE orders ADD note text;' });
    expect(await site.rows(ledger)).toEqual(before);
    expect(await queryRows(copy, 'SELECT written_as, kind FROM lockstep.entry ORDER BY id')).toEqual([
      { written_as: '0001', kind: 'applied' },
      { written_as: '0002', kind: 'applied' },
    ]);
    expect(await site.rows(LEFT_BEHIND)).toEqual([]);
    expect(await queryRows(copy, LEFT_BEHIND)).toEqual([]);
  });

  test('of a migration that fails says so, and what was measured before', async () => {
    const site = await migratedSite();
    const files = {
      ...FIRST,
      '0002_note.sql': 'ALTER TABLE orders ADD note text;',
      '0003_wrong.sql': 'ALTER TABLE orders ADD note text;',
    };
    const { steps, error } = await rehearseOn(site, await copyOf(site), files);
    expect(error?.code).toBe('LS601');
    expect(steps.map(({ migration }) => migration)).toEqual(['0002_note']);
  });

  test('contracts a copy whatever instances of the app live', async () => {
    const site = await migratedSite();
    await site.rows(`INSERT INTO lockstep.instance (id, source, name, head, bundle_digest, every_ms)
      VALUES ('a', 'deployer', 'blue', '1', '', 0)`);
    const files = { ...FIRST, '0002_drop.contract.sql': 'ALTER TABLE orders DROP amount;' };
    expect((await failureOf(site.up(files))).code).toBe('LS510');
    expect((await rehearseOn(site, await copyOf(site), files)).steps).toHaveLength(1);
  });

  test('of a database without a ledger, and of one with nothing pending', async () => {
    const site = await siteForTest();
    const first = await rehearseOn(site, await copyOf(site), FIRST);
    expect(first.ledgerHead).toBe('none');
    expect(first.steps.map(({ migration }) => migration)).toEqual(['0001_orders']);
    await site.up(FIRST);
    const second = await rehearseOn(site, await copyOf(site), FIRST);
    expect(second.steps).toEqual([]);
    expect(second.ledgerHead).not.toBe(first.ledgerHead);
  });
});

describe('refused is', () => {
  const NOTE = { ...FIRST, '0002_note.sql': 'ALTER TABLE orders ADD note text;' };

  test('the database itself, under whatever name its server goes', async () => {
    const site = await migratedSite();
    const sameServer = site.url.replace('127.0.0.1', 'localhost');
    expect(sameServer).not.toBe(site.url);
    const error = await failureOf(rehearseOn(site, sameServer, NOTE));
    expect(error).toMatchObject({ code: 'LS741', what: expect.stringContaining('itself') });
    expect(await site.rows('SELECT FROM lockstep.entry')).toHaveLength(1);
  });

  test('a copy that was rehearsed on, or that is older than the last migration', async () => {
    const site = await migratedSite();
    const [used, old] = [await copyOf(site), await copyOf(site)];
    await rehearseOn(site, used, NOTE);
    expect((await failureOf(rehearseOn(site, used, NOTE))).code).toBe('LS741');
    await site.up(NOTE);
    expect((await failureOf(rehearseOn(site, old, NOTE))).code).toBe('LS741');
    expect(await queryRows(old, 'SELECT FROM lockstep.entry')).toHaveLength(1);
  });

  test('another database that has the same migrations', async () => {
    const [site, other] = [await migratedSite(), await migratedSite()];
    expect((await failureOf(rehearseOn(site, other.url, NOTE))).code).toBe('LS741');
    expect(await other.rows('SELECT FROM lockstep.entry')).toHaveLength(1);
  });

  test('an original that is read through a replica, whose primary could be the copy', async () => {
    const site = await migratedSite();
    const readOnly = `${site.url}?options=-c%20default_transaction_read_only%3Don`;
    const { leases, ...context } = site.context();
    const asked = {
      ...context,
      original: configOf(readOnly),
      database: site.database,
      source: sourceOf(NOTE),
    };
    const error = await failureOf(rehearse(asked));
    expect(error).toMatchObject({ code: 'LS741', what: expect.stringContaining('replica') });
    expect(await site.rows('SELECT FROM lockstep.entry')).toHaveLength(1);
  });
});
