import { describe, expect, it } from 'vitest';
import {
  addInstance,
  keepHeard,
  type Observer,
  readInstances,
  readLastRun,
  readPlan,
  removeInstance,
  waitUntilApplied,
} from '../../lib/engine/index.ts';
import { type Files, failureOf, LEFT_BEHIND, type Site, siteForTest, sourceOf } from './site.ts';

const RELEASE_1 = { '0001_people.sql': 'CREATE TABLE people (id bigint, nom text);' };
const RELEASE_2 = {
  ...RELEASE_1,
  '0002_add_name.sql': 'ALTER TABLE people ADD COLUMN name text;',
  '0003_drop_nom.contract.sql': 'ALTER TABLE people DROP COLUMN nom;',
};

let instances = 0;
const identity = (name: string) => ({ id: `${name}/${++instances}`, name, everyMs: 30_000 });

/** An instance of the app that is built with these migrations and finds the schema ready. */
const start = (site: Site, name: string, files: Files) =>
  waitUntilApplied({
    ...site.context(),
    source: sourceOf(files),
    phase: 'expand',
    timeoutMs: 10_000,
    instance: identity(name),
  });

const add = (site: Site, name: string, built: Files | string) =>
  addInstance({ ...site.context(), name, built: typeof built === 'string' ? built : sourceOf(built) });

const namesOf = async (site: Site) =>
  (await readInstances(site.context())).map(({ name, alive }) => `${name} ${alive ? 'alive' : 'gone'}`);

const isContracted = async (site: Site) =>
  (await site.rows("SELECT FROM pg_attribute WHERE attrelid = 'people'::regclass AND attname = 'nom'"))
    .length === 0;

/** The heartbeat of an instance, which beats when the test says so. */
function heartbeatOn(site: Site, on?: Observer) {
  let beat = async (): Promise<void> => undefined;
  const { database, clock } = site.context();
  const instance = identity('web');
  const repeat = (work: () => Promise<void>, pauseMs: () => number) => {
    expect(pauseMs()).toBeLessThanOrEqual(instance.everyMs);
    beat = work;
    return { stop: async () => undefined };
  };
  const heard = keepHeard({ database, clock, source: sourceOf(RELEASE_1), instance, repeat, on });
  return { beats: () => beat(), heard };
}

/** Release 1 is applied and runs; release 2 is expanded. */
async function rollingOut() {
  const site = await siteForTest();
  await site.up(RELEASE_1);
  await start(site, 'old-1', RELEASE_1);
  await site.up(RELEASE_2, { phase: 'expand' });
  return site;
}

describe('a contract migration', () => {
  it('is refused while an instance lives that was built without it, and names that: LS510', async () => {
    const site = await rollingOut();
    await start(site, 'new-1', RELEASE_2);
    for (const phase of ['contract', undefined] as const) {
      const error = await failureOf(site.up(RELEASE_2, { phase }));
      expect(error).toMatchObject({
        code: 'LS510',
        context: { revision: '0003', instances: 1 },
        what: expect.stringMatching(
          /^0003_drop_nom takes away what 1 app instance may still need: old-1 \(head 0001, heard \d+ s ago\)\.$/,
        ),
        remedy: expect.stringContaining('--phase expand'),
      });
    }
    expect(await isContracted(site)).toBe(false);
    expect(await site.rows(LEFT_BEHIND)).toEqual([]);
  });

  it('runs when the last of them is gone: by heartbeat, as the database measures it', async () => {
    const site = await rollingOut();
    await start(site, 'new-1', RELEASE_2);
    await site.rows(
      "UPDATE lockstep.instance SET heard_at = heard_at - interval '65 s' WHERE name LIKE 'old%'",
    );
    expect(await failureOf(site.up(RELEASE_2, { phase: 'contract' }))).toMatchObject({ code: 'LS510' });
    await site.rows(
      "UPDATE lockstep.instance SET heard_at = heard_at - interval '26 s' WHERE name LIKE 'old%'",
    );
    expect(await namesOf(site)).toEqual(['old-1 gone', 'new-1 alive']);
    expect((await site.up(RELEASE_2, { phase: 'contract' })).applied).toEqual(['0003_drop_nom']);
  });

  it('runs where no instance is recorded', async () => {
    const site = await siteForTest();
    expect((await site.up(RELEASE_2)).applied).toHaveLength(3);
    expect(await readInstances(site.context())).toEqual([]);
  });

  it("believes the deployer's word until it is taken back", async () => {
    const site = await siteForTest();
    await add(site, 'blue', '0001');
    await add(site, 'green', '3');
    await site.rows("UPDATE lockstep.instance SET heard_at = heard_at - interval '1 year'");
    const error = await failureOf(site.up(RELEASE_2));
    expect(error).toMatchObject({
      code: 'LS510',
      what: expect.stringContaining("blue (head 0001, by the deployer's word)"),
    });
    expect(error.what).not.toContain('green');
    expect(await removeInstance(site.context(), 'blue')).toBe(1);
    expect((await site.up(RELEASE_2)).applied).toHaveLength(3);
  });

  it('is not allowed by a head above it in a bundle that has not got it: it was merged late', async () => {
    const site = await siteForTest();
    const { '0003_drop_nom.contract.sql': drop, ...early } = RELEASE_2;
    const late = { ...early, '0004_notes.sql': 'CREATE TABLE notes ();' };
    await site.up(late);
    await start(site, 'without', late);
    const merged = { ...late, '0003_drop_nom.contract.sql': drop };
    expect(await failureOf(site.up(merged))).toMatchObject({ code: 'LS510', context: { revision: '0003' } });
  });

  it('is looked at again under the lock: an instance that started meanwhile counts', async () => {
    const site = await siteForTest();
    await site.up(RELEASE_2, { phase: 'expand' });
    const { lastEntryId: planLastEntryId, outcome } = (
      await readPlan({ ...site.context(), source: sourceOf(RELEASE_2), phase: 'contract' })
    ).plan;
    expect(outcome).toBe('pending');
    await add(site, 'blue', RELEASE_1);
    const attempt = site.attempt(RELEASE_2, { phase: 'contract', planLastEntryId });
    expect(await failureOf(attempt)).toMatchObject({ code: 'LS510' });
    expect(await isContracted(site)).toBe(false);
  });

  it('can be forced, and the run records past whom', async () => {
    const site = await rollingOut();
    const { applied } = await site.up(RELEASE_2, { phase: 'contract', forceContract: true });
    expect(applied).toEqual(['0003_drop_nom']);
    expect(await readLastRun(site.context())).toMatchObject({
      verdict: 'applied',
      forced: expect.stringMatching(/^old-1 \(head 0001, heard \d+ s ago\)$/),
    });
    await site.up({ ...RELEASE_2, '0004_drop_all.contract.sql': 'SELECT 1;' }, { forceContract: true });
    await site.up(
      { ...RELEASE_2, '0004_drop_all.contract.sql': 'SELECT 1;', '0005_x.sql': 'SELECT 1;' },
      { forceContract: true },
    );
    expect(await readLastRun(site.context())).toMatchObject({ applied: ['0005_x'], forced: null });
  });
});

describe('an instance', () => {
  it('is recorded with what it was built with', async () => {
    const site = await siteForTest();
    await site.up(RELEASE_2, { instance: identity('web') });
    expect(await readInstances(site.context())).toMatchObject([
      {
        name: 'web',
        source: 'heartbeat',
        head: '0003',
        contracts: ['0003'],
        bundleDigest: sourceOf(RELEASE_2).digest,
        alive: true,
      },
    ]);
  });

  it('is not recorded before the schema is ready for it', async () => {
    const site = await siteForTest();
    await failureOf(
      waitUntilApplied({
        ...site.context(),
        source: sourceOf(RELEASE_2),
        timeoutMs: 0,
        instance: identity('web'),
      }),
    );
    await site.up(RELEASE_1);
    await failureOf(
      waitUntilApplied({
        ...site.context(),
        source: sourceOf(RELEASE_2),
        timeoutMs: 0,
        instance: identity('web'),
      }),
    );
    expect(await readInstances(site.context())).toEqual([]);
  });

  it('that cannot be recorded serves all the same, and the observer is told why', async () => {
    const site = await siteForTest();
    await site.up(RELEASE_1);
    await site.rows(
      'REVOKE EXECUTE ON FUNCTION lockstep.beat FROM PUBLIC; ALTER FUNCTION lockstep.beat RENAME TO elsewhere',
    );
    const told: unknown[] = [];
    const { plan } = await waitUntilApplied({
      ...site.context(),
      source: sourceOf(RELEASE_1),
      timeoutMs: 10_000,
      instance: identity('web'),
      on: (event) => told.push(event),
    });
    expect(plan.outcome).toBe('nothing-pending');
    expect(told).toMatchObject([
      { kind: 'instance-not-recorded', error: { code: expect.stringMatching(/^LS/) } },
    ]);
  });

  it('beats until it leaves, and then is not recorded any more', async () => {
    const site = await siteForTest();
    await site.up(RELEASE_1);
    const { beats, heard } = heartbeatOn(site);
    await beats();
    const [first] = await readInstances(site.context());
    expect(first).toMatchObject({ name: 'web', alive: true });
    await beats();
    const [second] = await readInstances(site.context());
    expect(second).toMatchObject({ id: first!.id, startedAt: first!.startedAt });
    expect(second!.heardAt > first!.heardAt).toBe(true);
    await Promise.all([heard.leave(), heard.leave()]);
    expect(await readInstances(site.context())).toEqual([]);
    expect(await site.rows(LEFT_BEHIND)).toEqual([]);
  });

  it('comes back with its next beat after it was thought dead and forgotten', async () => {
    const site = await siteForTest();
    await site.up(RELEASE_1);
    const { beats } = heartbeatOn(site);
    await beats();
    await removeInstance(site.context(), 'web');
    await beats();
    expect(await namesOf(site)).toEqual(['web alive']);
  });

  it('tells once that the database cannot be reached, and goes on trying', async () => {
    const site = await siteForTest();
    await site.up(RELEASE_1);
    const told: string[] = [];
    const { beats } = heartbeatOn(site, (event) => told.push(event.kind));
    await site.rows('ALTER SCHEMA lockstep RENAME TO away');
    await beats();
    await beats();
    expect(told).toEqual(['instance-not-recorded']);
    await site.rows('ALTER SCHEMA away RENAME TO lockstep');
    await beats();
    expect(await namesOf(site)).toEqual(['web alive']);
  });

  it('that has been silent for a day is forgotten when the next one starts', async () => {
    const site = await siteForTest();
    await site.up(RELEASE_1, { instance: identity('crashed') });
    await add(site, 'blue', RELEASE_1);
    await site.rows("UPDATE lockstep.instance SET heard_at = heard_at - interval '25 h'");
    await start(site, 'web', RELEASE_1);
    expect((await namesOf(site)).toSorted()).toEqual(['blue alive', 'web alive']);
  });
});
