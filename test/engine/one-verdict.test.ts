/** Several who ask for the same migrations at the same time: one of them runs, and its outcome is everybody's. */
import { expect, it } from 'vitest';
import { PostgresLeaseStore } from '../../lib/adapters/postgres/index.ts';
import { systemClock } from '../../lib/adapters/process/clock.ts';
import { type MigrateResult, migrate } from '../../lib/engine/index.ts';
import { otherSession, Told } from './others.ts';
import { type Files, failureOf, leaseOf, type Site, siteForTest, sourceOf, WAITS_FOR_LOCK } from './site.ts';

const GATE = 4_712;
/** Sequences are not rolled back: how often it was tried stays. */
const WAITS = `SELECT nextval('tries'); SELECT pg_advisory_xact_lock(${GATE});`;
const TRIES = 'SELECT last_value::int AS tries FROM tries';

/** The first one is in the middle of its first migration, and the others wait for it. Then it goes on. */
async function together(site: Site, files: Files, others: readonly Files[]) {
  await site.rows('CREATE SEQUENCE tries');
  const gate = await otherSession(site, `SELECT pg_advisory_lock(${GATE})`);
  const first = site.up(files);
  await site.until(`${WAITS_FOR_LOCK} AND l.locktype = 'advisory'`);
  const told = others.map(() => new Told());
  const waiting = others.map((own, i) => site.up(own, { on: told[i]!.on }));
  await Promise.all(told.map((each) => each.until('waiting')));
  await gate.query(`SELECT pg_advisory_unlock(${GATE})`);
  return Promise.allSettled([first, ...waiting]);
}

const errorIn = (settled: PromiseSettledResult<MigrateResult> | undefined) =>
  failureOf(settled?.status === 'rejected' ? Promise.reject(settled.reason) : Promise.resolve());

it('a migration that fails is tried once, and all fail with what it failed with', async () => {
  const site = await siteForTest();
  const files = { '0001_fails.sql': `${WAITS} SELECT 1 / 0;` };
  const [first, ...others] = await together(site, files, [files, files]);
  expect(await errorIn(first)).toMatchObject({ code: 'LS601' });
  const [run] = await site.rows<{ run_id: string; failed_migration: string }>(
    'SELECT run_id, failed_migration FROM lockstep.run',
  );
  expect(run).toMatchObject({ failed_migration: '0001_fails' });
  for (const other of others) {
    const { code, what, context } = await errorIn(other);
    expect({ code, context }).toEqual({
      code: 'LS617',
      context: { run: run?.run_id, migration: '0001_fails', failedWith: 'LS601' },
    });
    expect(what).toContain(`LS601: 0001_fails.sql, line 1, column`);
    expect(what).toContain('division by zero');
  }
  expect(await site.rows(TRIES)).toEqual([{ tries: 1 }]);
});

it('who comes after it has failed tries again', async () => {
  const site = await siteForTest();
  const files = { '0001_fails.sql': `SELECT nextval('tries'); SELECT 1 / 0;` };
  await site.rows('CREATE SEQUENCE tries');
  expect(await failureOf(site.up(files))).toMatchObject({ code: 'LS601' });
  expect(await failureOf(site.up(files))).toMatchObject({ code: 'LS601' });
  expect(await site.rows(TRIES)).toEqual([{ tries: 2 }]);
});

it('who has other migrations goes on by itself', async () => {
  const site = await siteForTest();
  const files = { '0001_fails.sql': `${WAITS} SELECT 1 / 0;` };
  const mended = { '0001_fails.sql': `${WAITS} SELECT 1;` };
  const [first, other] = await together(site, files, [mended]);
  expect(await errorIn(first)).toMatchObject({ code: 'LS601' });
  expect(other).toMatchObject({ status: 'fulfilled', value: { applied: ['0001_fails'], ran: true } });
});

it('what one has applied, the others name by its run', async () => {
  const site = await siteForTest();
  const files = { '0001_works.sql': WAITS };
  const [first, ...others] = await together(site, files, [files, files]);
  expect(first).toMatchObject({ value: { ran: true, applied: ['0001_works'], appliedBy: null } });
  const [run] = await site.rows<{ run_id: string }>('SELECT run_id FROM lockstep.run');
  for (const other of others)
    expect(other).toMatchObject({ value: { ran: false, outcome: 'applied', appliedBy: run?.run_id } });
  expect(await site.rows(TRIES)).toEqual([{ tries: 1 }]);
});

it('who compiles while another tries the same migrations does not try them again', async () => {
  const site = await siteForTest();
  const store = new PostgresLeaseStore(await site.session(), (ms) => systemClock.sleep(ms));
  const lease = await leaseOf(store, 'host:1:a');
  await site.rows('CREATE SEQUENCE tries');
  const source = sourceOf({ '0001_fails.sql': `SELECT nextval('tries'); SELECT 1 / 0;` });
  // The first has it, and has failed, before the others are done.
  let failed: () => void = () => undefined;
  const hasFailed = new Promise<void>((resolve) => {
    failed = resolve;
  });
  const slow = { ...source, load: (of: readonly string[]) => hasFailed.then(() => source.load(of)) };
  const told = [new Told(), new Told(), new Told()];
  const [first, ...others] = [source, slow, slow].map((each, i) =>
    failureOf(migrate({ ...site.context(), source: each, on: told[i]!.on })),
  );
  first!.finally(failed);
  await Promise.all(told.map((each) => each.until('waiting')));
  await store.release(lease);
  expect(await first).toMatchObject({ code: 'LS601' });
  for (const other of others) expect(await other).toMatchObject({ code: 'LS617' });
  expect(await site.rows(TRIES)).toEqual([{ tries: 1 }]);
});
