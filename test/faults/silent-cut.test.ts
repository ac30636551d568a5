/** The link to the server is cut, and neither side is told; a new one works. */
import { expect, test } from 'vitest';
import { otherSession } from '../engine/others.ts';
import { configOf, type Files, type Site, siteForTest, WAITS_FOR_LOCK } from '../engine/site.ts';
import { silentlyCut } from '../support/wire.ts';
import { until } from './until.ts';

const GATE = 4_713;
const FILES = {
  '0001_first.sql': 'CREATE TABLE done (n int); INSERT INTO done VALUES (1);',
  '0002_second.sql': `SELECT pg_advisory_xact_lock(${GATE}); INSERT INTO done VALUES (2);`,
  // Not sent before the second one is answered: it has a strong lock.
  '0003_third.sql': 'LOCK TABLE done; INSERT INTO done VALUES (3);',
};

/** Somebody's run is in the middle of its second migration, and its link is cut. */
async function cutInTheMiddle(site: Site, files: Files = FILES) {
  const gate = await otherSession(site, `SELECT pg_advisory_lock(${GATE})`);
  const link = await silentlyCut(`${site.url}?sslmode=disable`);
  const running = site.up(files, { database: configOf(link.url) });
  await site.until(`${WAITS_FOR_LOCK} AND l.locktype = 'advisory'`);
  link.cut();
  return { running, open: () => gate.query(`SELECT pg_advisory_unlock(${GATE})`) };
}

const LIMIT_MS = 60_000;

test(
  'a reply that is lost, or a session that is gone, is noticed, and the run goes on after what was done',
  async () => {
    const [committed, ended] = [await siteForTest(), await siteForTest()];
    const lostReply = await cutInTheMiddle(committed);
    const goneSession = await cutInTheMiddle(ended);
    await lostReply.open();
    await until(
      'it is committed',
      async () => (await committed.rows('SELECT FROM done WHERE n = 2')).length > 0,
    );
    await ended.rows(
      "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND application_name LIKE 'lockstep #%'",
    );
    await goneSession.open();
    expect(await lostReply.running).toMatchObject({ applied: ['0001_first', '0003_third'] });
    expect(await goneSession.running).toMatchObject({ applied: ['0001_first', '0002_second', '0003_third'] });
    for (const site of [committed, ended]) {
      expect(await site.rows('SELECT n FROM done ORDER BY n')).toEqual([{ n: 1 }, { n: 2 }, { n: 3 }]);
      expect(await site.rows('SELECT verdict FROM lockstep.run')).toEqual([{ verdict: 'applied' }]);
    }
  },
  LIMIT_MS,
);

test(
  'the same with another migration sent, which is made or not, and once',
  async () => {
    const site = await siteForTest();
    const small = { ...FILES, '0003_third.sql': 'INSERT INTO done VALUES (3);' };
    const { running, open } = await cutInTheMiddle(site, small);
    await open();
    expect((await running).applied[0]).toBe('0001_first');
    expect(await site.rows('SELECT n FROM done ORDER BY n')).toEqual([{ n: 1 }, { n: 2 }, { n: 3 }]);
    expect(await site.rows('SELECT verdict FROM lockstep.run')).toEqual([{ verdict: 'applied' }]);
  },
  LIMIT_MS,
);
