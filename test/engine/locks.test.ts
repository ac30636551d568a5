/** A migration that wants a strong lock, and others who use the table. */
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { Session } from '../../lib/adapters/postgres/session.ts';
import { readHistory, readLastRun } from '../../lib/engine/index.ts';
import { otherSession, Told } from './others.ts';
import { type Files, failureOf, LEFT_BEHIND, type Site, siteForTest, WAITS_FOR_LOCK } from './site.ts';

const ORDERS = {
  '0001_orders.sql':
    'CREATE TABLE orders (id int); CREATE TABLE effects (n int); INSERT INTO orders VALUES (1);',
};
const ADD = { ...ORDERS, '0002_add.sql': 'ALTER TABLE orders ADD COLUMN note text;' };
const READER = 'BEGIN; SELECT FROM orders';

async function siteWithOrders(): Promise<Site> {
  const site = await siteForTest();
  await site.up(ORDERS);
  return site;
}

const columns = (site: Site) =>
  site.rows("SELECT attname FROM pg_attribute WHERE attrelid = 'orders'::regclass AND attnum > 1");

describe('a step that wants a strong lock', () => {
  it('waits for a long transaction with nothing held, and goes on when it ends', async () => {
    const site = await siteWithOrders();
    const reader = await otherSession(site, READER);
    await sleep(1_100); // Long enough to be a long transaction.
    const told = new Told();
    const run = site.up(ADD, { on: told.on });
    const { blockers } = await told.until('waiting-for-locks');
    expect(blockers).toMatchObject([
      {
        pid: reader.pid,
        applicationName: 'report',
        kind: 'session',
        state: 'idle in transaction',
        command: 'BEGIN',
      },
    ]);
    await told.until('waiting-for-locks', ({ waitedMs }) => waitedMs > 2_500);
    // Nobody has queued behind it: it has no transaction, and wants no lock.
    expect(
      await site.rows(`SELECT a.state, l.locktype FROM pg_stat_activity a JOIN pg_locks l ON l.pid = a.pid
        WHERE a.application_name LIKE 'lockstep #%' AND a.datname = current_database() AND a.state <> 'active'`),
    ).toEqual([{ state: 'idle', locktype: 'advisory' }]);
    expect(told.of('lock-retry')).toEqual([]);
    await reader.query('COMMIT');
    expect((await run).applied).toEqual(['0002_add']);
    expect(await columns(site)).toEqual([{ attname: 'note' }]);
    expect(await site.rows(LEFT_BEHIND)).toEqual([]);
  });

  it('keeps other readers waiting for no longer than lock_timeout in a try', async () => {
    const site = await siteWithOrders();
    const told = new Told();
    const files = { ...ORDERS, '0002_add.sql': `-- lockstep: lock-timeout=500ms\n${ADD['0002_add.sql']}` };
    const others = await otherSession(site, 'SELECT 1', 'app');
    const stalls: number[] = [];
    // Young when the migration looks: that one tries.
    const reader = await otherSession(site, READER);
    const run = site.up(files, { on: told.on });
    let isOver = false;
    const reading = (async () => {
      while (!isOver) {
        const startedMs = performance.now();
        await others.query('SELECT FROM orders');
        stalls.push(performance.now() - startedMs);
        await sleep(10);
      }
    })();
    await told.until('waiting-for-locks', ({ waitedMs }) => waitedMs > 4_000);
    await reader.query('COMMIT');
    expect((await run).applied).toEqual(['0002_add']);
    isOver = true;
    await reading;
    const tries = told.of('lock-retry');
    expect(tries.length).toBeGreaterThan(0);
    // One that waited in the server for the reader would have stalled them for four seconds and more.
    expect(Math.max(...stalls)).toBeLessThan(2_500);
    expect(stalls.filter((ms) => ms > 400).length).toBeLessThanOrEqual(tries.length + 1);
  });

  it('fails when its time for waiting is over, names who was in the way, and has changed nothing', async () => {
    const site = await siteWithOrders();
    const reader = await otherSession(site, READER);
    await sleep(1_100);
    const told = new Told();
    const error = await failureOf(site.up(ADD, { on: told.on, lockWaitMs: 1_500 }));
    expect(error).toMatchObject({
      code: 'LS610',
      position: { file: '0002_add.sql', line: 1 },
      context: { sqlstate: '55P03', blockerPid: reader.pid, blockerApplication: 'report' },
    });
    expect(error.what).toMatch(
      new RegExp(
        `in the way was session ${reader.pid} \\(report, user \\w+\\), idle in transaction for \\d+\\.\\d s`,
      ),
    );
    expect(error.remedy).toContain(`pg_terminate_backend(${reader.pid})`);
    expect(told.of('waiting-for-locks')).toHaveLength(1);
    expect(await columns(site)).toEqual([]);
    expect(await site.rows('SELECT revision FROM lockstep.entry')).toHaveLength(1);
    expect((await readLastRun(site.context()))?.error).toContain('LS610');
  });

  it('tells a backup as such, and waits for it however young it is', async () => {
    const site = await siteWithOrders();
    await otherSession(site, 'BEGIN; LOCK TABLE orders IN ACCESS SHARE MODE', 'pg_dump');
    const told = new Told();
    const error = await failureOf(site.up(ADD, { on: told.on, lockWaitMs: 300 }));
    expect(told.events.map(({ kind }) => kind)).toContain('waiting-for-locks');
    expect(error).toMatchObject({ code: 'LS610' });
    expect(error.what).toMatch(/in the way was session \d+, a backup by pg_dump/);
  });

  it('tells nothing of what others ask but the name of the command', async () => {
    const site = await siteWithOrders();
    await otherSession(site, "BEGIN; SELECT 'row-data' FROM orders");
    const told = new Told();
    const error = await failureOf(site.up(ADD, { on: told.on, lockWaitMs: 2_500 }));
    expect(told.of('waiting-for-locks').length).toBeGreaterThan(0);
    expect(JSON.stringify([told.events, error, error.message])).not.toContain('row-data');
  });
});

describe('to look who is in the way', () => {
  it('costs one message for a step that wants a strong lock, and none for any other', async () => {
    const site = await siteWithOrders();
    const run = vi.spyOn(Session.prototype, 'run');
    onTestFinished(() => run.mockRestore());
    const looksFor = async (sql: string) => {
      run.mockClear();
      await site.up({ ...ORDERS, '0002_next.sql': sql });
      await site.rows('DELETE FROM lockstep.entry WHERE revision = 2');
      return run.mock.calls.filter(([text]) => text.includes('lockstep.relations')).length;
    };
    expect(
      await looksFor('CREATE TABLE a (id int); ALTER TABLE a ADD COLUMN b int; CREATE INDEX ON a (b);'),
    ).toBe(0);
    expect(await looksFor('UPDATE orders SET id = 2; CREATE VIEW v AS SELECT id FROM orders;')).toBe(0);
    expect(await looksFor('ALTER TABLE orders ADD COLUMN note text; TRUNCATE effects;')).toBe(1);
  });
});

describe('a try that fails', () => {
  /** Its lock on b is one that nobody can know of beforehand. */
  const TWO = {
    '0001_tables.sql': 'CREATE TABLE a (id int); CREATE TABLE b (id int); CREATE TABLE effects (n int);',
    '0002_both.sql': `-- lockstep: lock-timeout=20s
      INSERT INTO effects VALUES (1);
      LOCK TABLE a;
      SELECT pg_advisory_xact_lock(7);
      DO $$ BEGIN ALTER TABLE b ADD COLUMN x int; END $$;`,
  };

  it('for a deadlock is made again as a whole, and nothing is done twice', async () => {
    const site = await siteForTest();
    await site.up({ '0001_tables.sql': TWO['0001_tables.sql'] });
    const gate = await otherSession(site, 'SELECT pg_advisory_lock(7)');
    // It looks for deadlocks later than the migration does, which therefore is the one that is ended.
    const other = await otherSession(site, "SET deadlock_timeout = '1min'; BEGIN; INSERT INTO b VALUES (1)");
    const told = new Told();
    const run = site.up(TWO, { on: told.on });
    await site.until(`${WAITS_FOR_LOCK} AND l.locktype = 'advisory'`);
    const blocked = other.query('SELECT FROM a');
    await site.until(`${WAITS_FOR_LOCK} AND l.relation = 'a'::regclass`);
    await gate.query('SELECT pg_advisory_unlock(7)');
    expect(await told.until('lock-retry')).toMatchObject({ sqlstate: '40P01', tries: 1 });
    await blocked;
    await other.query('COMMIT');
    expect((await run).applied).toEqual(['0002_both']);
    expect(await site.rows('SELECT n FROM effects')).toEqual([{ n: 1 }]);
    expect(await site.rows('SELECT revision FROM lockstep.entry')).toHaveLength(2);
  });

  it('for a lock that could not be known is made again, too, and gives up when its time is over', async () => {
    const site = await siteWithOrders();
    const hidden = `-- lockstep: lock-timeout=50ms\nDO $$ BEGIN ALTER TABLE orders ADD COLUMN note text; END $$;`;
    const files: Files = { ...ORDERS, '0002_hidden.sql': hidden };
    const reader = await otherSession(site, READER);
    const told = new Told();
    const error = await failureOf(site.up(files, { on: told.on, lockWaitMs: 1_000 }));
    expect(error).toMatchObject({ code: 'LS610' });
    const tries = told.of('lock-retry').map((event) => event.tries);
    expect(tries).toEqual(Array.from(tries, (_, i) => i + 1));
    expect(tries.length).toBeGreaterThan(1);
    const again = site.up(files, { on: told.on });
    await told.until(
      'lock-retry',
      (event) => event !== undefined && told.of('lock-retry').length > tries.length,
    );
    await reader.query('COMMIT');
    expect((await again).applied).toEqual(['0002_hidden']);
  });
});

describe('SQL that runs', () => {
  it('is watched: whom it keeps waiting is told', async () => {
    const site = await siteWithOrders();
    const told = new Told();
    const run = site.up(
      { ...ORDERS, '0002_slow.sql': 'LOCK TABLE orders; SELECT pg_sleep(5);' },
      { on: told.on },
    );
    await site.until(
      "SELECT FROM pg_locks WHERE relation = 'orders'::regclass AND mode = 'AccessExclusiveLock' AND granted",
    );
    const other = await otherSession(site, 'SELECT 1');
    const reading = other.query('SELECT FROM orders');
    expect(await told.until('blocking')).toMatchObject({ migration: '0002_slow', sessions: 1 });
    await run;
    await reading;
    expect(await site.rows(LEFT_BEHIND)).toEqual([]);
  });

  it('in an index build waits for others without a lock_timeout, and says for whom', async () => {
    const site = await siteWithOrders();
    const writer = await otherSession(site, 'BEGIN; INSERT INTO orders VALUES (2)');
    const told = new Told();
    const index = { ...ORDERS, '0002_index.sql': 'CREATE INDEX CONCURRENTLY orders_id ON orders (id);' };
    const run = site.up(index, { on: told.on, lockWaitMs: 0 });
    const { blockers } = await told.until('blocked', ({ ranMs }) => ranMs > 2_500);
    expect(blockers).toMatchObject([{ pid: writer.pid, applicationName: 'report' }]);
    await writer.query('COMMIT');
    expect((await run).applied).toEqual(['0002_index']);
    expect(
      await site.rows("SELECT indisvalid FROM pg_index WHERE indexrelid = 'orders_id'::regclass"),
    ).toEqual([{ indisvalid: true }]);
  });

  it('outside a transaction with a lock_timeout of its author fails with who it was', async () => {
    const site = await siteWithOrders();
    const writer = await otherSession(site, 'BEGIN; INSERT INTO orders VALUES (2)');
    const index = '-- lockstep: lock-timeout=3s\nCREATE INDEX CONCURRENTLY orders_id ON orders (id);';
    const error = await failureOf(site.up({ ...ORDERS, '0002_index.sql': index }));
    expect(error).toMatchObject({ code: 'LS601', context: { sqlstate: '55P03', blockerPid: writer.pid } });
    expect(error.what).toContain(`In the way was session ${writer.pid} (report`);
  });

  it('goes on when it cannot be watched', async () => {
    const site = await siteWithOrders();
    let logins = 0;
    const password = async () => {
      logins += 1;
      if (logins > 1) throw new Error('no second login');
      return site.database.password as string;
    };
    const files = { ...ORDERS, '0002_slow.sql': 'SELECT pg_sleep(3);' };
    const result = await site.up(files, { database: { ...site.database, password } });
    expect(result.applied).toEqual(['0002_slow']);
    expect(logins).toBeGreaterThan(1);
  });
});

describe('the record', () => {
  it('says which strong locks were held, for how long at most, and after how many tries', async () => {
    const site = await siteWithOrders();
    const reader = await otherSession(site, READER);
    const told = new Told();
    const files = {
      ...ORDERS,
      '0002_change.sql': `-- lockstep: lock-timeout=100ms
        ALTER TABLE orders ADD COLUMN note text; CREATE TABLE fresh (id int); TRUNCATE fresh; SELECT pg_sleep(0.3);`,
      '0003_more.sql': 'CREATE INDEX ON orders (id); VACUUM orders; DROP TABLE effects;',
    };
    const run = site.up(files, { on: told.on });
    await told.until('lock-retry');
    await reader.query('COMMIT');
    await run;
    const entries = await readHistory(site.context());
    const [created, changed, mixed] = entries.map(({ locks }) => locks);
    expect(created).toEqual([]);
    expect(changed).toMatchObject([{ relation: 'public.orders', mode: 'ACCESS EXCLUSIVE' }]);
    const [{ heldMs, waitedMs, tries }] = changed as [(typeof entries)[0]['locks'][0]];
    expect(heldMs).toBeGreaterThanOrEqual(300);
    expect(heldMs).toBeLessThanOrEqual(entries[1]!.durationMs!);
    expect(waitedMs).toBeGreaterThanOrEqual(100);
    expect(tries).toBeGreaterThan(1);
    expect(mixed).toMatchObject([
      { relation: 'public.orders', mode: 'SHARE', tries: 1 },
      { relation: 'public.effects', mode: 'ACCESS EXCLUSIVE', tries: 1 },
    ]);
    const run2 = await readLastRun(site.context());
    expect(run2?.locks.map(({ migration, relation }) => `${migration} ${relation}`)).toEqual([
      '0002_change public.orders',
      '0003_more public.orders',
      '0003_more public.effects',
    ]);
  });
});

describe('an attempt with a time limit', () => {
  const endsAt = (ms: number) => {
    const startedMs = performance.now();
    return () => Math.max(0, ms - (performance.now() - startedMs));
  };

  it('that waits for a lock when its time is over says that there is more, if something is done', async () => {
    const site = await siteWithOrders();
    await otherSession(site, READER);
    await sleep(1_100);
    const files = { ...ORDERS, '0002_b.sql': 'CREATE TABLE b ();', '0003_add.sql': ADD['0002_add.sql'] };
    const told = new Told();
    const done = await site.attempt(files, { timeLeftMs: endsAt(4_000), on: told.on });
    expect(done).toMatchObject({ outcome: 'more', applied: ['0002_b'], notApplied: ['0003_add'] });
    const error = await failureOf(site.attempt(files, { timeLeftMs: endsAt(3_000) }));
    expect(error).toMatchObject({ code: 'LS604', context: { blockerApplication: 'report' } });
    expect(error.what).toContain('In the way was session');
  });

  it('gives all statements of a step together no more than its time', async () => {
    const site = await siteForTest();
    const slow = { '0001_slow.sql': Array.from({ length: 8 }, () => 'SELECT pg_sleep(1);').join('\n') };
    const startedMs = performance.now();
    const error = await failureOf(site.attempt(slow, { timeLeftMs: endsAt(2_500) }));
    expect(error).toMatchObject({ code: 'LS604' });
    expect(performance.now() - startedMs).toBeLessThan(6_000);
    expect(await site.rows('SELECT revision FROM lockstep.entry')).toEqual([]);
  });

  it('cannot enter a ledger that somebody has locked: LS611 says who', async () => {
    const site = await siteWithOrders();
    const other = await otherSession(site, 'BEGIN; UPDATE lockstep.fence SET holder = holder', 'psql');
    const error = await failureOf(site.attempt(ADD, { lockWaitMs: 100 }));
    expect(error).toMatchObject({ code: 'LS611', context: { blockerPid: other.pid } });
    expect(error.what).toContain(`session ${other.pid} (psql, user`);
    const waiting = site.attempt(ADD);
    await site.until(`${WAITS_FOR_LOCK} AND l.locktype IN ('transactionid', 'tuple')`);
    await other.query('ROLLBACK');
    expect((await waiting).applied).toEqual(['0002_add']);
  });
});
