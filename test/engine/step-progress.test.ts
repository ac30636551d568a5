import { describe, expect, it, onTestFinished } from 'vitest';
import { databaseConfigFrom } from '../../lib/adapters/postgres/index.ts';
import { type EngineEvent, readStatus } from '../../lib/engine/index.ts';
import { queryRows } from '../support/postgres.ts';
import { LEFT_BEHIND, type Site, siteForTest } from './site.ts';

const BUILD = { '0001_index.sql': 'CREATE INDEX CONCURRENTLY t_id ON t (id);' };
type Progress = Extract<EngineEvent, { kind: 'step-progress' }>;

/** A table with a writer that an index build waits for until it is committed. */
async function siteWithWriter(setUp = (_: Site) => 'SELECT 1') {
  const site = await siteForTest();
  await site.rows(`CREATE TABLE t (id int); ${setUp(site)}`);
  const writer = await site.session('writer');
  await writer.query('BEGIN; LOCK TABLE public.t IN ROW EXCLUSIVE MODE');
  return { site, writer };
}

/** Fulfilled by the first event that fits. */
function heard(fits: (event: Progress) => boolean) {
  const { promise, resolve } = Promise.withResolvers<Progress>();
  const on = (event: EngineEvent) => {
    if (event.kind === 'step-progress' && fits(event)) resolve(event);
  };
  return { event: promise, on };
}

const statusOf = (site: Site) => readStatus(site.context());

describe('a statement that takes long', () => {
  it('is told of with its phase and the number of sessions that it waits for, to who runs it and to who asks', async () => {
    const { site, writer } = await siteWithWriter();
    const { event, on } = heard(() => true);
    const up = site.up(BUILD, { on });
    const waiting = {
      command: 'CREATE INDEX CONCURRENTLY',
      phase: 'waiting for writers before build',
      share: 0,
      blockedBy: 1,
    };
    expect(await event).toMatchObject({ migration: '0001_index', step: 1, progress: waiting });
    expect((await statusOf(site)).progress).toEqual(waiting);
    await writer.query('COMMIT');
    await up;
    expect((await statusOf(site)).progress).toBeNull();
    expect(await site.rows(LEFT_BEHIND)).toEqual([]);
  });

  it('is told of with the share that is done, where PostgreSQL counts', async () => {
    const site = await siteForTest();
    // A row in each page, and some time for each row.
    await site.rows(`CREATE TABLE t (id int, filler text); ALTER TABLE t ALTER filler SET STORAGE PLAIN;
      INSERT INTO t SELECT n, repeat('x', 5000) FROM generate_series(1, 20) n;
      CREATE FUNCTION slow(int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep(0.25); RETURN $1; END'`);
    const { event, on } = heard(({ progress }) => progress.share !== null && progress.share > 0);
    const up = site.up({ '0001_index.sql': 'CREATE INDEX CONCURRENTLY t_id ON t (slow(id));' }, { on });
    const { progress } = await event;
    expect(progress.phase).toBe('building index: scanning table');
    expect(progress.share).toBeLessThanOrEqual(1);
    await up;
  });

  it('that no progress view knows is told of while it waits', async () => {
    const { site, writer } = await siteWithWriter(() => 'CREATE INDEX t_id ON t (id)');
    const { event, on } = heard(() => true);
    const up = site.up({ '0001_drop.sql': 'DROP INDEX CONCURRENTLY t_id;' }, { on });
    expect((await event).progress).toEqual({
      command: null,
      phase: 'waiting for other sessions',
      share: null,
      blockedBy: 1,
    });
    await writer.query('COMMIT');
    await up;
  });

  it('goes well, too, when there is no second connection to be had, or when that is lost', async () => {
    const roleOf = ({ name }: Site) => `single_${name}`;
    const { site, writer } = await siteWithWriter(
      (its) => `CREATE ROLE ${roleOf(its)} LOGIN PASSWORD 'p' CONNECTION LIMIT 1;
        GRANT CREATE ON DATABASE ${its.name} TO ${roleOf(its)};
        GRANT CREATE ON SCHEMA public TO ${roleOf(its)}; ALTER TABLE t OWNER TO ${roleOf(its)}`,
    );
    onTestFinished(() =>
      site.rows(`DROP OWNED BY ${roleOf(site)}; DROP ROLE ${roleOf(site)}`).then(() => undefined),
    );
    const url = new URL(site.url);
    Object.assign(url, { username: roleOf(site), password: 'p' });
    const database = databaseConfigFrom({ url: url.href, env: {}, readFile: () => '' });
    const up = site.up(BUILD, { database });
    await site.until(`SELECT FROM pg_stat_activity WHERE query LIKE 'CREATE INDEX CONCURRENTLY%'
      AND datname = current_database() AND clock_timestamp() - query_start > interval '3s'`);
    await writer.query('COMMIT');
    expect((await up).applied).toEqual(['0001_index']);

    const { site: other, writer: reader } = await siteWithWriter();
    const { event, on } = heard(() => true);
    const build = other.up(BUILD, { on });
    await event;
    await queryRows(
      other.url,
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'lockstep watch'`,
    );
    await reader.query('COMMIT');
    expect((await build).applied).toEqual(['0001_index']);
  });
});
