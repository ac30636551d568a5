/** A run whose session is lost between its last commit and its record's end has applied everything, and says so. */
import { expect, it } from 'vitest';
import { MemoryLeaseStore } from '../../lib/adapters/memory/index.ts';
import { failureOf, leaseOf, type Site, siteForTest } from './site.ts';

const FIRST = { '0001_a.sql': 'CREATE TABLE a ();' };
const BOTH = { ...FIRST, '0002_b.sql': 'CREATE TABLE b ();' };
const LAST_RUN =
  'SELECT verdict, finished_at IS NOT NULL AS ended FROM lockstep.run ORDER BY started_at DESC LIMIT 1';

/** The next session that says that its run is applied is ended before it has. */
async function losesItsSession(site: Site): Promise<void> {
  await site.up(FIRST);
  await site.rows(`CREATE SEQUENCE losses;
    CREATE FUNCTION lose() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
      IF nextval('public.losses') = 1 THEN
        PERFORM pg_terminate_backend(pg_backend_pid());
        PERFORM pg_sleep(60);
      END IF;
      RETURN NEW;
    END $$;
    CREATE TRIGGER lose BEFORE UPDATE ON lockstep.run FOR EACH ROW WHEN (NEW.verdict = 'applied') EXECUTE FUNCTION lose()`);
}

it('by its next look, when the same process goes on', async () => {
  const site = await siteForTest();
  await losesItsSession(site);
  expect((await site.up(BOTH)).applied).toEqual(['0002_b']);
  expect(await site.rows('SELECT last_value::int AS tries FROM losses')).toEqual([{ tries: 2 }]);
  expect(await site.rows(LAST_RUN)).toEqual([{ verdict: 'applied', ended: true }]);
});

it('by the next attempt of the run, which finds nothing pending', async () => {
  const site = await siteForTest();
  await losesItsSession(site);
  const leases = new MemoryLeaseStore();
  const run = { leases, lease: await leaseOf(leases, 'host:1:run'), runId: 'run' };
  expect(await failureOf(site.attempt(BOTH, run))).toMatchObject({ code: 'LS301' });
  expect(await site.rows(LAST_RUN)).toEqual([{ verdict: 'running', ended: false }]);
  expect((await site.attempt(BOTH, run)).applied).toEqual([]);
  expect(await site.rows(LAST_RUN)).toEqual([{ verdict: 'applied', ended: true }]);
});
