import { describe, expect, it } from 'vitest';
import { readLedger } from '../../lib/adapters/postgres/index.ts';
import { type EngineEvent, pauseBackfills, readRunningBackfills } from '../../lib/engine/index.ts';
import { failureOf, type Site, siteForTest } from './site.ts';

const FILL = {
  '0001_fill.backfill.sql':
    'UPDATE items i SET touched = touched + 1, note = $$done$$ WHERE lockstep.batch(i.id) AND kind <> 3;',
};

/** Rows with gaps in their ids; `touched` counts how often a row was written. */
async function siteWithItems(rows: number): Promise<Site> {
  const site = await siteForTest();
  await site.rows(`CREATE TABLE items (id bigint PRIMARY KEY, kind int, touched int NOT NULL DEFAULT 0, note text);
    INSERT INTO items SELECT n * 7, n % 5 FROM generate_series(1, ${rows}) n; ANALYZE items`);
  return site;
}

const TOUCHED = `SELECT kind = 3 AS spared, min(touched) AS least, max(touched) AS most, count(*)::int AS rows
  FROM items GROUP BY 1 ORDER BY 1`;
const JOURNAL = 'SELECT state, keys::int, paused FROM lockstep.journal';

async function expectEachOnce(site: Site, rows: number): Promise<void> {
  expect(await site.rows(TOUCHED)).toEqual([
    { spared: false, least: 1, most: 1, rows: rows - Math.floor((rows + 2) / 5) },
    { spared: true, least: 0, most: 0, rows: Math.floor((rows + 2) / 5) },
  ]);
  expect(await site.rows(JOURNAL)).toEqual([{ state: 'done', keys: rows, paused: false }]);
  expect((await readLedger(await site.session())).partial).toEqual([]);
}

describe('a back-fill', () => {
  it('walks the key in batches and touches each row once', async () => {
    const site = await siteWithItems(5_000);
    await site.rows(
      'CREATE TABLE seen (xid xid8); CREATE FUNCTION see() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO public.seen VALUES (pg_current_xact_id()); RETURN NULL; END $$; CREATE TRIGGER see AFTER UPDATE ON items FOR EACH STATEMENT EXECUTE FUNCTION see()',
    );
    await site.up(FILL);
    await expectEachOnce(site, 5_000);
    const [batches] = await site.rows<{ n: number }>('SELECT count(DISTINCT xid)::int AS n FROM seen');
    expect(batches?.n).toBeGreaterThan(3);
  });

  it('goes on after the last batch that was committed, when its session was ended', async () => {
    const site = await siteWithItems(3_000);
    await site.rows(`CREATE FUNCTION stumble() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        IF NEW.id = 7 * 1200 AND NOT EXISTS (SELECT FROM public.stumbled) THEN PERFORM pg_sleep(60); END IF; RETURN NEW; END $$;
      CREATE TABLE stumbled (); CREATE TRIGGER stumble BEFORE UPDATE ON items FOR EACH ROW EXECUTE FUNCTION stumble()`);
    const up = site.up(FILL);
    await site.until(
      "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'PgSleep'",
    );
    const [before] = await site.rows<{ keys: number }>(JOURNAL);
    expect(before?.keys).toBeGreaterThan(0);
    await site.rows(`INSERT INTO stumbled DEFAULT VALUES;
      SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'PgSleep'`);
    expect((await up).applied).toEqual(['0001_fill']);
    await expectEachOnce(site, 3_000);
  });

  it('takes as many attempts as it needs, each with little time', async () => {
    const site = await siteWithItems(1_500);
    await site.rows(`CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(0.25); RETURN NULL; END $$;
      CREATE TRIGGER slow AFTER UPDATE ON items FOR EACH STATEMENT EXECUTE FUNCTION slow()`);
    const outcomes: string[] = [];
    do {
      const endsMs = performance.now() + 1_800;
      const { outcome } = await site.attempt(FILL, {
        runId: 'run-1',
        timeLeftMs: () => Math.max(0, endsMs - performance.now()),
      });
      outcomes.push(outcome);
    } while (outcomes.at(-1) === 'more');
    expect(outcomes.length).toBeGreaterThan(1);
    await expectEachOnce(site, 1_500);
  });

  it('takes rows that come meanwhile, behind where it is', async () => {
    const site = await siteWithItems(1_000);
    await site.rows(`CREATE FUNCTION more() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        IF NOT EXISTS (SELECT FROM items WHERE id = 99999) THEN INSERT INTO items VALUES (99999, 1); END IF; RETURN NULL; END $$;
      CREATE TRIGGER more AFTER UPDATE ON items FOR EACH STATEMENT EXECUTE FUNCTION more()`);
    await site.up(FILL);
    expect(await site.rows('SELECT touched FROM items WHERE id = 99999')).toEqual([{ touched: 1 }]);
  });

  it('waits while it is paused', async () => {
    const site = await siteWithItems(1_000);
    await failureOf(
      site.up({
        '0001_fill.backfill.sql': FILL['0001_fill.backfill.sql'].replace(
          'kind <> 3',
          'kind <> 3 AND 1 / (id - 7 * 700) IS NOT NULL',
        ),
      }),
    );
    expect(await pauseBackfills(site.context(), true)).toEqual(['1']);
    const [before] = await site.rows(JOURNAL);
    const paused: string[] = [];
    const up = site.up(FILL, {
      on: (event: EngineEvent) => event.kind === 'backfill-paused' && paused.push(event.reason),
    });
    while (paused.length === 0) await new Promise((resolve) => setTimeout(resolve, 20));
    expect(await site.rows(JOURNAL)).toEqual([before]);
    expect(await readRunningBackfills(site.context())).toMatchObject([
      { revision: '1', paused: true, cursor: [expect.any(String)] },
    ]);
    await pauseBackfills(site.context(), false, '0001');
    await up;
    await expectEachOnce(site, 1_000);
    expect(await failureOf(pauseBackfills(site.context(), true))).toMatchObject({ code: 'LS504' });
  });

  it('walks a key of several columns, of other types than numbers', async () => {
    const site = await siteForTest();
    await site.rows(`CREATE TABLE "Odd items" (tenant text, "At" timestamptz, note text, touched int NOT NULL DEFAULT 0, PRIMARY KEY (tenant, "At"));
      INSERT INTO "Odd items" SELECT 'tenant''' || n % 3, '2026-01-01'::timestamptz + n * interval '1 microsecond' FROM generate_series(1, 2000) n`);
    await site.up({
      '0001_odd.backfill.sql': `UPDATE "Odd items" SET touched = touched + 1 WHERE lockstep.batch(tenant, "At");`,
    });
    expect(await site.rows('SELECT min(touched), max(touched), count(*)::int FROM "Odd items"')).toEqual([
      { min: 1, max: 1, count: 2000 },
    ]);
  });

  it('deletes, and copies with INSERT … SELECT, as well', async () => {
    const site = await siteWithItems(1_200);
    await site.up({
      '0001_copy.expand.sql': 'CREATE TABLE copies (LIKE items INCLUDING ALL);',
      '0002_copy.backfill.sql': 'INSERT INTO copies SELECT * FROM items WHERE lockstep.batch(items.id);',
      '0003_drop.backfill.sql': 'DELETE FROM items WHERE lockstep.batch(id);',
    });
    expect(
      await site.rows(
        'SELECT (SELECT count(*)::int FROM copies) AS copies, (SELECT count(*)::int FROM items) AS items',
      ),
    ).toEqual([{ copies: 1_200, items: 0 }]);
  });

  it.each([
    ['a column that is no key', 'kind', 'LS609'],
    ['a table that is not there', 'id', 'LS609'],
  ])('is refused for %s, and nothing is touched', async (what, column, code) => {
    const site = await siteWithItems(10);
    const table = what.startsWith('a table') ? 'nowhere' : 'items';
    const error = await failureOf(
      site.up({
        '0001_fill.backfill.sql': `UPDATE ${table} SET touched = 1 WHERE lockstep.batch(${column});`,
      }),
    );
    expect(error).toMatchObject({ code });
    expect(await site.rows('SELECT max(touched) FROM items')).toEqual([{ max: 0 }]);
  });

  it('that fails says where in the file, leaves the batches before it, and goes on when the file is corrected', async () => {
    const site = await siteWithItems(1_000);
    const bad =
      '-- Fills.\nUPDATE items SET touched = touched + 1\nWHERE lockstep.batch(id) AND kind <> 3 AND nowhere = 1;';
    const error = await failureOf(site.up({ '0001_fill.backfill.sql': bad }));
    expect(error).toMatchObject({ code: 'LS601', position: { line: 3, column: 44 } });
    await site.up(FILL);
    await expectEachOnce(site, 1_000);
  });
});
