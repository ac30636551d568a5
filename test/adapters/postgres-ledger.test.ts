import { describe, expect, it, onTestFinished } from 'vitest';
import { tryLock, unlock } from '../../lib/adapters/postgres/advisory-lock.ts';
import {
  ensureLedger,
  readDownScripts,
  readEntries,
  readLedger,
  readLedgerAgain,
  type Session,
} from '../../lib/adapters/postgres/index.ts';
import { EMPTY_LEDGER } from '../../lib/core/plan/index.ts';
import { exec } from '../../lib/engine/exec.ts';
import { readHistory, readPlan } from '../../lib/engine/index.ts';
import { configOf, failureOf, type Site, siteForTest, sourceOf } from '../engine/site.ts';

/** A login that may do no more than `grants` say (LOGIN stands for its name); gone with the test. */
async function loginOn(site: Site, grants: string) {
  const name = `login_${site.name}`;
  await site.rows(`CREATE ROLE ${name} LOGIN PASSWORD 'word'; ${grants.replaceAll('LOGIN', name)}`);
  onTestFinished(async () => {
    await site.rows(`DROP OWNED BY ${name} CASCADE; DROP ROLE ${name}`);
  });
  return configOf(Object.assign(new URL(site.url), { username: name, password: 'word' }).href);
}

const FILES = { '0001_a.sql': 'CREATE TABLE app.a ();', '0001_a.down.sql': 'DROP TABLE app.a;' };

describe('making the ledger', () => {
  it('happens once, however many begin at the same time on an empty database', async () => {
    const site = await siteForTest();
    const effects = { '0001_effects.sql': 'CREATE TABLE effects (n int); INSERT INTO effects VALUES (1);' };
    const outcomes = await Promise.all(Array.from({ length: 8 }, () => site.up(effects)));
    expect(outcomes.filter(({ ran }) => ran)).toHaveLength(1);
    expect(await site.rows('SELECT n FROM effects')).toEqual([{ n: 1 }]);
    expect(await site.rows('SELECT layout FROM lockstep.meta')).toEqual([{ layout: 1 }]);
  });

  it('is not done by who only looks', async () => {
    const site = await siteForTest();
    expect(await readLedger(await site.session())).toEqual(EMPTY_LEDGER);
    expect(await readHistory(site.context())).toEqual([]);
    expect(await site.rows("SELECT FROM pg_namespace WHERE nspname = 'lockstep'")).toEqual([]);
  });

  it('needs no more than a schema made beforehand, by an owner who may create nothing in the database', async () => {
    const site = await siteForTest();
    const grants = 'CREATE SCHEMA lockstep AUTHORIZATION LOGIN; CREATE SCHEMA app AUTHORIZATION LOGIN';
    const database = await loginOn(site, grants);
    expect((await site.up(FILES, { database })).applied).toEqual(['0001_a']);
    expect((await site.down({ kind: 'count', count: 1 }, { database })).reverted).toEqual(['0001_a']);
  });

  it('is refused to a login that may not, and nothing is left half made', async () => {
    const site = await siteForTest();
    const database = await loginOn(site, 'CREATE SCHEMA app AUTHORIZATION LOGIN');
    expect(await failureOf(site.up(FILES, { database }))).toMatchObject({
      code: 'LS306',
      state: 'Nothing was changed in the database.',
    });
    await site.rows(`CREATE SCHEMA lockstep; GRANT USAGE ON SCHEMA lockstep TO login_${site.name}`);
    expect(await failureOf(site.up(FILES, { database }))).toMatchObject({ code: 'LS306' });
    expect(await site.rows("SELECT FROM pg_tables WHERE schemaname IN ('lockstep', 'app')")).toEqual([]);
  });

  it('by a newer Lockstep is recognised by who writes and by who looks: LS307', async () => {
    const site = await siteForTest();
    const source = sourceOf(FILES);
    const session = await sessionWithLock(site);
    await ensureLedger(session).whenMade;
    await unlock(session);
    await site.rows('UPDATE lockstep.meta SET layout = 2');
    const refused = { code: 'LS307', context: { layout: 2 } };
    expect(await failureOf(site.up(FILES))).toMatchObject(refused);
    expect(await failureOf(site.attempt(FILES))).toMatchObject(refused);
    expect(await failureOf(readPlan({ ...site.context(), source }))).toMatchObject(refused);
    // Who runs a command looks at no plan before.
    const command = { name: 'any', start: () => Promise.reject(new Error('it has begun')) };
    expect(await failureOf(exec({ ...site.context(), command }))).toMatchObject(refused);
    expect(await site.rows('SELECT token::int FROM lockstep.fence')).toEqual([{ token: 0 }]);
  });

  it('is not made in a session without the lock: LS304', async () => {
    const site = await siteForTest();
    expect(await failureOf(ensureLedger(await site.session()).whenMade)).toMatchObject({ code: 'LS304' });
    expect(await site.rows("SELECT FROM pg_namespace WHERE nspname = 'lockstep'")).toEqual([]);
  });
});

async function sessionWithLock(site: Site): Promise<Session> {
  const session = await site.session();
  expect(await tryLock(session, 'lockstep tests')).toBe(true);
  return session;
}

describe('reading the ledger', () => {
  it('is the same for who asks again, also when the session has lost the statement', async () => {
    const site = await siteForTest();
    const session = await sessionWithLock(site);
    await ensureLedger(session).whenMade;
    await site.rows(`INSERT INTO lockstep.entry
        (revision, ordinal, kind, written_as, slug, phase, sha256, normalized_sha256, run_id, token)
      VALUES (1, 1, 'applied', '0001', 'a', 'expand', 'x', 'y', 'run', 1)`);
    const state = await readLedger(session);
    for (const before of ['', '', 'DEALLOCATE ALL', '']) {
      await session.query(before);
      expect(await readLedgerAgain(session)).toEqual(state);
    }
    expect(state.current).toHaveLength(1);
  });

  it('gives the newest entry of each of 2,000 revisions, in their order, and the history in its own', async () => {
    const site = await siteForTest();
    const session = await sessionWithLock(site);
    await ensureLedger(session).whenMade;
    await site.rows(`INSERT INTO lockstep.entry
        (revision, ordinal, kind, written_as, slug, phase, sha256, normalized_sha256, run_id, token, down)
      SELECT r, o, CASE o WHEN 2 THEN 'reverted' ELSE 'applied' END, lpad(r::text, 18, '0'), 'slug', 'expand', 'x', 'y', 'run', 1,
        '{"sql": "SELECT 1"}' FROM generate_series(2000, 1, -1) r, generate_series(1, 1 + r % 3) o`);
    const { current, lastEntryId } = await readLedger(session);
    expect(current.map((e) => Number(e.revision))).toEqual(Array.from({ length: 2000 }, (_, i) => i + 1));
    expect(current[1]).toMatchObject({ revision: '000000000000000002', ordinal: 3, kind: 'applied' });
    expect(current[3]).toMatchObject({ ordinal: 2, kind: 'reverted', reversible: true });
    const history = await readEntries(session);
    expect(history).toHaveLength(4001);
    expect(history[0]).toMatchObject({ revision: '000000000000002000', ordinal: 1 });
    const ids = history.map(({ entryId }) => BigInt(entryId));
    expect(ids).toEqual([...ids].sort((a, b) => (a < b ? -1 : 1)));
    expect(lastEntryId).toBe(String(ids.at(-1)));
    expect((await readDownScripts(session, current)).size).toBe(2000);
  });

  it('gives down scripts back byte for byte', async () => {
    const site = await siteForTest();
    const down = [
      "-- žluťoučký 漢字 🐎 'it''s' \\ \"quoted\"\r",
      'DO $body$\r\nBEGIN\r',
      "  PERFORM E'\\u00e9\\n\\\\', $in$ $$ \\0 ' $in$, '\t\u0001\u2028', U&'\\0061';\r",
      'END $body$;\r\n\r\n  ',
    ].join('\n');
    await site.up({ '0001_a.sql': 'SELECT 1;', '0001_a.down.sql': down });
    const session = await site.session();
    const { current } = await readLedger(session);
    const scripts = await readDownScripts(session, current);
    expect(scripts.get(current[0]!.entryId)?.sql).toBe(down);
    // As for a repair that finds that another one was first.
    expect((await readDownScripts(session, [])).size).toBe(0);
    expect((await site.down({ kind: 'to', revision: '0' })).reverted).toEqual(['0001_a']);
  });

  it('names revisions as their files do, and finds them however they are written', async () => {
    const site = await siteForTest();
    await site.up({ '00042_a.sql': 'SELECT 1;' });
    const plan = async (files: Record<string, string>) =>
      (await readPlan({ ...site.context(), source: sourceOf(files) })).plan;
    expect(await plan({ '42_a.sql': 'SELECT 1;' })).toMatchObject({ outcome: 'nothing-pending' });
    expect((await readHistory(site.context()))[0]).toMatchObject({ revision: '00042', slug: 'a', token: 1 });
  });
});
