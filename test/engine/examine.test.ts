import { randomUUID } from 'node:crypto';
import { describe, expect, inject, it, onTestFinished } from 'vitest';
import { loadParser } from '../../lib/adapters/libpg-query/index.ts';
import { MemoryLeaseStore } from '../../lib/adapters/memory/index.ts';
import { LEDGER_LOCK, tryLock } from '../../lib/adapters/postgres/advisory-lock.ts';
import { diagnose, type Judgement, nextStep, type Reading } from '../../lib/core/diagnosis/index.ts';
import { type ExamineOptions, examine } from '../../lib/engine/index.ts';
import { queryRows } from '../support/postgres.ts';
import { type Files, failureOf, leaseOf, type Site, siteForTest, sourceOf, WAITS_FOR_LOCK } from './site.ts';

const FILES = { '0001_a.sql': 'CREATE TABLE a (id int PRIMARY KEY);' };

const factsOf = (site: Site, files?: Files, options: Partial<ExamineOptions> = {}) =>
  examine({
    ...site.context(),
    migrations: files ? { value: sourceOf(files) } : { absent: 'No directory.' },
    loadParser,
    wallClockMs: Date.now,
    ...options,
  });
const examined = async (site: Site, files?: Files, options?: Partial<ExamineOptions>) =>
  diagnose(await factsOf(site, files, options));

const problems = (judgements: readonly Judgement[]) =>
  judgements.filter(({ level }) => level === 'problem').map(({ name, what }) => `${name}: ${what}`);
const named = (judgements: readonly Judgement[], name: string) => judgements.filter((j) => j.name === name);

function inReading<T>(reading: Reading<T>): T {
  if ('error' in reading) throw reading.error;
  return reading.value;
}

/** Every row of the ledger, with its writing transaction, and who holds which advisory locks. */
const TRACES = `SELECT (SELECT json_agg(x) FROM (SELECT table_name, query_to_xml(format('SELECT t.xmin, t.* FROM lockstep.%I t', table_name), true, false, '')::text
      FROM information_schema.tables WHERE table_schema = 'lockstep' AND table_type = 'BASE TABLE' ORDER BY 1) x) AS rows,
    (SELECT json_agg(l.pid) FROM pg_locks l JOIN pg_database d ON d.oid = l.database
      WHERE l.locktype = 'advisory' AND d.datname = current_database()) AS locks,
    (SELECT json_agg(nspname ORDER BY nspname) FROM pg_namespace WHERE nspname !~ '^pg_temp|^pg_toast_temp') AS schemas`;

describe('a healthy database', () => {
  it('has no problem, and the look leaves no trace in ledger and locks', async () => {
    const site = await siteForTest();
    await site.up(FILES);
    const before = await site.rows(TRACES);
    const judgements = await examined(site, FILES);
    expect(problems(judgements)).toEqual([]);
    expect(nextStep(judgements)).toBe('nothing is to be done.');
    expect(named(judgements, 'migrations')).toMatchObject([{ level: 'ok' }]);
    expect(await site.rows(TRACES)).toEqual(before);
  });

  it('without a ledger is one to migrate, and gets none', async () => {
    const site = await siteForTest();
    const before = await site.rows(TRACES);
    const judgements = await examined(site, FILES);
    expect(problems(judgements)).toEqual([]);
    expect(nextStep(judgements)).toMatch(/^`lockstep up`/);
    expect(await site.rows(TRACES)).toEqual(before);
  });
});

describe('the advisory lock', () => {
  it("is told apart from an attempt's when an idle session of somebody else has it", async () => {
    const site = await siteForTest();
    await site.up(FILES);
    const foreign = await site.session('psql');
    await foreign.query(`SELECT pg_catalog.pg_advisory_lock(${LEDGER_LOCK})`);
    const judgements = await examined(site, FILES);
    expect(problems(judgements)).toEqual([
      expect.stringMatching(
        new RegExp(`^lock: Session ${foreign.facts.pid} \\(psql, .*no attempt of Lockstep`),
      ),
    ]);
    expect(nextStep(judgements)).toContain('lockstep lock release --force');
  });

  it('is shown as left behind when its token is below the fence, or below the lease', async () => {
    const site = await siteForTest();
    for (let i = 1; i <= 3; i += 1) await site.up({ [`000${i}_t.sql`]: `CREATE TABLE t${i} ();` });
    const [fence] = await site.rows<{ token: string }>('SELECT token FROM lockstep.fence');
    const token = Number(fence?.token);
    const holder = await site.session();
    expect(await tryLock(holder, `lockstep #${token} run`)).toBe(true);
    expect(problems(await examined(site))).toEqual([]);

    const leases = new MemoryLeaseStore();
    await leases.mint(await leaseOf(leases, 'host:1:b', 50), token);
    const below = await examined(site, undefined, { leases });
    expect(named(below, 'lock')).toMatchObject([
      { level: 'problem', what: expect.stringContaining('the lease') },
    ]);

    await site.rows('UPDATE lockstep.fence SET token = token + 1');
    expect(problems(await examined(site))).toEqual([
      expect.stringContaining(`${token + 1} was let in since`),
    ]);
  });

  it('names who is in the way of its holder', async () => {
    const site = await siteForTest();
    await site.up(FILES);
    const reader = await site.session('report');
    await reader.query('BEGIN; SELECT FROM public.a');
    const abort = new AbortController();
    const change = {
      '0002_b.sql': '-- lockstep: lock-timeout=60s\nDO $$ BEGIN ALTER TABLE a ADD COLUMN n int; END $$;',
    };
    const running = failureOf(site.up({ ...FILES, ...change }, { signal: abort.signal }));
    await site.until(`${WAITS_FOR_LOCK} AND l.relation = 'a'::regclass`);
    expect(named(await examined(site), 'lock')).toMatchObject([
      { level: 'note', what: expect.stringContaining(`session ${reader.facts.pid} (report`) },
    ]);
    abort.abort();
    await running;
  });
});

describe('what attempts leave behind', () => {
  it('is a session with an old token, and a run that never ended', async () => {
    const site = await siteForTest();
    await site.up(FILES);
    await site.session('lockstep #0 run');
    await site.rows(`INSERT INTO lockstep.run (run_id, holder, token, bundle_digest, verdict)
      VALUES ('lost', 'host:1:a', 1, '', 'running')`);
    const judgements = await examined(site, FILES);
    expect(named(judgements, 'attempts')).toMatchObject([
      { level: 'note', what: expect.stringContaining('its token 0 is below 1') },
      { level: 'problem', what: expect.stringContaining('The run lost of host:1:a') },
    ]);
    // Under a lease the run may be between two invocations.
    const leases = new MemoryLeaseStore();
    await leaseOf(leases, 'execution', 50);
    expect(named(await examined(site, FILES, { leases }), 'attempts')).toHaveLength(1);
  });
});

describe('a lease in a store of its own', () => {
  it('is watched until its holder gives a sign of life, or its duration is over', async () => {
    const site = await siteForTest();
    const leases = new MemoryLeaseStore();
    const lease = await leases.mint(await leaseOf(leases, 'host:1:a', 1_000));
    expect(named(await examined(site, FILES, { leases }), 'lease')).toMatchObject([
      { level: 'problem', what: expect.stringContaining('has expired') },
    ]);
    const looking = examined(site, FILES, {
      leases: Object.assign(Object.create(leases), {
        read: async (target: string) => {
          const found = await leases.read(target);
          await leases.renew(lease);
          return found;
        },
      }),
    });
    expect(named(await looking, 'lease')).toMatchObject([
      { level: 'ok', what: expect.stringContaining('signs of life') },
    ]);
  });
});

describe('the schema', () => {
  it('shows an INVALID index as `verify` does', async () => {
    const site = await siteForTest();
    await site.up(FILES);
    await site.rows('CREATE TABLE t (a int); INSERT INTO t VALUES (1), (1)');
    await site.rows('CREATE UNIQUE INDEX CONCURRENTLY once ON t (a)').catch(() => undefined);
    const judgements = await examined(site, FILES);
    expect(problems(judgements)).toEqual([expect.stringContaining('public.once on public.t is INVALID')]);
    expect(nextStep(judgements)).toContain('REINDEX INDEX CONCURRENTLY public.once');
  });

  it('tells who has locked the ledger instead of waiting for it', async () => {
    const site = await siteForTest();
    await site.up(FILES);
    const other = await site.session('backup');
    await other.query('BEGIN; LOCK TABLE lockstep.fence, lockstep.run IN ACCESS EXCLUSIVE MODE');
    expect(named(await examined(site, FILES), 'ledger')).toMatchObject([
      { level: 'problem', what: expect.stringContaining(`locked by session ${other.facts.pid} (backup`) },
    ]);
  });
});

describe('the surroundings', () => {
  it('include open transactions, of which an old one is a problem', async () => {
    const site = await siteForTest();
    const open = await site.session('report');
    await open.query('BEGIN; SELECT 1');
    const facts = await factsOf(site);
    const { transactions } = inReading(inReading(facts.reached).surroundings);
    expect(transactions.map(({ pid }) => pid)).toEqual([open.facts.pid]);
    // As it is an hour later.
    for (const transaction of transactions) Object.assign(transaction, { transactionAgeMs: 3_600_000 });
    expect(problems(diagnose(facts))).toEqual([
      expect.stringMatching(/^transactions: Open for 60 min: session \d+ \(report, /),
    ]);
  });

  it("include what the login's settings are without Lockstep's own", async () => {
    const site = await siteForTest();
    await site.rows(
      `ALTER DATABASE ${site.name} SET statement_timeout = '30s'; ALTER DATABASE ${site.name} SET synchronous_commit = off`,
    );
    const found = named(await examined(site), 'settings');
    expect(found.map(({ level, what }) => `${level} ${what}`)).toEqual([
      expect.stringMatching(/^problem synchronous_commit is off/),
      expect.stringMatching(/^note The login has statement_timeout = 30000 ms;/),
    ]);
  });
});

describe('a role', () => {
  it('without any right but CONNECT sees what keeps it from migrating', async () => {
    const role = `plain_${randomUUID().replaceAll('-', '')}`;
    // Registered before the database's own: it runs after the database was dropped.
    onTestFinished(async () => {
      await queryRows(inject('postgresUrl'), `DROP ROLE ${role}`);
    });
    const site = await siteForTest();
    await site.rows(`CREATE ROLE ${role} LOGIN PASSWORD 'word'`);
    const database = { ...site.database, user: role, password: 'word' };
    const none = await examined(site, FILES, { database });
    expect(problems(none)).toEqual([expect.stringMatching(/^privileges: There is no ledger, and plain_/)]);
    expect(nextStep(none)).toContain('CREATE SCHEMA lockstep AUTHORIZATION');

    await site.up(FILES);
    const before = await site.rows(TRACES);
    const closed = await examined(site, FILES, { database });
    expect(problems(closed)).toEqual([expect.stringMatching(/^privileges: .* may not read the ledger/)]);
    expect(nextStep(closed)).toContain('GRANT USAGE ON SCHEMA lockstep');
    expect(closed.map(({ name }) => name)).toEqual(
      expect.arrayContaining(['connection', 'lock', 'transactions', 'clock']),
    );
    expect(await site.rows(TRACES)).toEqual(before);

    await site.rows(
      `GRANT USAGE ON SCHEMA lockstep TO ${role}; GRANT SELECT ON ALL TABLES IN SCHEMA lockstep TO ${role}`,
    );
    const reader = await examined(site, FILES, { database });
    expect(problems(reader)).toEqual([]);
    expect(named(reader, 'privileges')).toMatchObject([{ level: 'note' }]);
  });
});

describe('a server that is not reached', () => {
  it('is explained by the error itself, within the budget', async () => {
    const site = await siteForTest();
    const database = { ...site.database, port: 1, connectBudgetMs: 300 };
    const judgements = await examined(site, FILES, { database });
    expect(judgements).toMatchObject([
      { name: 'connection', level: 'problem', what: expect.stringContaining('No answer from') },
    ]);
    expect(nextStep(judgements)).toContain('Check address, port');
  });

  it('because of a wrong password says so at once', async () => {
    const site = await siteForTest();
    const database = { ...site.database, user: 'nobody', password: 'wrong' };
    expect(await examined(site, FILES, { database })).toMatchObject([
      { level: 'problem', see: expect.stringContaining('#ls302') },
    ]);
  });
});
