import { describe, expect, it } from 'vitest';
import { readHistory, readLastRun, repair } from '../../lib/engine/index.ts';
import { failureOf, type Site, siteForTest, sourceOf } from './site.ts';

/** Release 1 renames a column: expand, fill, contract. Release 2 adds another one. */
const RELEASE_1 = {
  '0001_people.sql':
    "CREATE TABLE people (id bigint PRIMARY KEY, nom text); INSERT INTO people VALUES (1, 'Ada');",
  '0002_add_name.sql': 'ALTER TABLE people ADD COLUMN name text;',
  '0002_add_name.down.sql': 'ALTER TABLE people DROP COLUMN name;',
  '0003_fill_name.backfill.sql': 'UPDATE people SET name = nom WHERE lockstep.batch(id) AND name IS NULL;',
  '0003_fill_name.down.sql': 'UPDATE people SET name = NULL;',
  '0004_drop_nom.contract.sql': 'ALTER TABLE people DROP COLUMN nom;',
};
const RELEASE_2 = {
  ...RELEASE_1,
  '0005_add_age.sql': 'ALTER TABLE people ADD COLUMN age int;',
  '0005_add_age.down.sql': 'ALTER TABLE people DROP COLUMN age;',
  '0006_drop_id_default.contract.sql': 'ALTER TABLE people ALTER COLUMN id DROP DEFAULT;',
  '0006_drop_id_default.down.sql': 'SELECT 1;',
};

const columnsOf = async (site: Site) =>
  (
    await site.rows<{ c: string }>(
      "SELECT attname AS c FROM pg_attribute WHERE attrelid = 'people'::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attname",
    )
  )
    .map(({ c }) => c)
    .join(' ');

/** Revisions in the order in which they were applied. */
const orderOf = async (site: Site) =>
  (await readHistory(site.context()))
    .map((e) => `${e.kind === 'applied' ? '' : '-'}${Number(e.revision)}`)
    .join(' ');

describe('a run of one phase', () => {
  it('expands with back-fills and leaves contract, which a later run does; each once', async () => {
    const site = await siteForTest();
    const expanded = await site.up(RELEASE_1, { phase: 'expand' });
    expect(expanded).toMatchObject({
      outcome: 'applied',
      applied: ['0001_people', '0002_add_name', '0003_fill_name'],
      plan: { heldBack: [{ revision: '0004' }] },
    });
    expect(await columnsOf(site)).toBe('id name nom');
    expect(await site.up(RELEASE_1, { phase: 'expand' })).toMatchObject({
      outcome: 'nothing-pending',
      ran: false,
    });
    expect(await site.up(RELEASE_1, { phase: 'contract' })).toMatchObject({ applied: ['0004_drop_nom'] });
    expect(await site.up(RELEASE_1, { phase: 'contract' })).toMatchObject({ outcome: 'nothing-pending' });
    expect(await columnsOf(site)).toBe('id name');
    expect(await orderOf(site)).toBe('1 2 3 4');
  });

  it('lets the next release expand past a contract step, which is then no gap, for its own release and the next', async () => {
    const site = await siteForTest();
    await site.up(RELEASE_1, { phase: 'expand' });
    await site.up(RELEASE_2, { phase: 'expand' });
    expect((await site.up(RELEASE_1, { phase: 'contract' })).applied).toEqual(['0004_drop_nom']);
    expect((await site.up(RELEASE_2)).applied).toEqual(['0006_drop_id_default']);
    expect(await orderOf(site)).toBe('1 2 3 5 4 6');
  });

  it('without a phase applies what was held back in its place', async () => {
    const site = await siteForTest();
    await site.up(RELEASE_1, { phase: 'expand' });
    expect((await site.up(RELEASE_2)).applied).toEqual([
      '0004_drop_nom',
      '0005_add_age',
      '0006_drop_id_default',
    ]);
  });

  it('does not contract before what is below is expanded: LS511, and nothing is touched', async () => {
    const site = await siteForTest();
    const early = await failureOf(site.up(RELEASE_1, { phase: 'contract' }));
    expect(early).toMatchObject({
      code: 'LS511',
      what: expect.stringMatching(/^0001_people is not applied/),
    });
    expect(await site.rows("SELECT FROM pg_namespace WHERE nspname = 'lockstep'")).toEqual([]);
    await site.up(RELEASE_1, { phase: 'expand' });
    expect(await failureOf(site.up(RELEASE_2, { phase: 'contract' }))).toMatchObject({
      code: 'LS511',
      context: { revision: '0005' },
    });
    expect(await orderOf(site)).toBe('1 2 3');
  });

  it('takes a phase and a revision together', async () => {
    const site = await siteForTest();
    await site.up(RELEASE_2, { phase: 'expand' });
    expect((await site.up(RELEASE_2, { phase: 'contract', toRevision: '5' })).applied).toEqual([
      '0004_drop_nom',
    ]);
  });

  it('applies repeatable objects with expand, and leaves them with contract', async () => {
    const site = await siteForTest();
    const view = (columns: string) => ({
      'R_names.sql': `CREATE OR REPLACE VIEW names AS SELECT ${columns} FROM people;`,
    });
    const first = await site.up({ ...RELEASE_1, ...view('id, name') }, { phase: 'expand' });
    expect(first.applied.at(-1)).toBe('R_names');
    const later = { ...RELEASE_2, ...view('id, name, age') };
    const contract = await site.up({ ...RELEASE_1, ...view('id, name, 1 AS one') }, { phase: 'contract' });
    expect(contract.applied).toEqual(['0004_drop_nom']);
    expect((await site.up(later, { phase: 'expand' })).applied).toEqual(['0005_add_age', 'R_names']);
  });

  it('started by many at once still applies each once', async () => {
    const site = await siteForTest();
    const phases = ['expand', 'expand', undefined, undefined] as const;
    await Promise.all(phases.map((phase) => site.up(RELEASE_2, { phase })));
    const order = (await orderOf(site)).split(' ');
    expect(order.toSorted()).toEqual(['1', '2', '3', '4', '5', '6']);
    expect(order.indexOf('4')).toBeLessThan(order.indexOf('6'));
  });

  it('holds for an attempt of a workflow', async () => {
    const site = await siteForTest();
    const { applied } = await site.attempt(RELEASE_1, { runId: 'run', phase: 'expand' });
    expect(applied).toEqual(['0001_people', '0002_add_name', '0003_fill_name']);
    expect(await readLastRun(site.context())).toMatchObject({ runId: 'run', verdict: 'applied' });
  });
});

describe('taking back', () => {
  it('what one run applied, and nothing else', async () => {
    const site = await siteForTest();
    await site.attempt(RELEASE_1, { runId: 'release-1', phase: 'expand', toRevision: '1' });
    await site.attempt(RELEASE_1, { runId: 'release-1b', phase: 'expand' });
    const { reverted } = await site.down({ kind: 'run', runId: 'release-1b' });
    expect(reverted).toEqual(['0003_fill_name', '0002_add_name']);
    expect(await columnsOf(site)).toBe('id nom');
    expect((await site.down({ kind: 'run', runId: 'release-1b' })).reverted).toEqual([]);
  });

  it('refuses a run with others applied above, names both, and touches nothing: LS512', async () => {
    const site = await siteForTest();
    await site.attempt(RELEASE_1, { runId: 'first', toRevision: '1' });
    await site.attempt(RELEASE_1, { runId: 'second', phase: 'expand' });
    await site.attempt(RELEASE_2, { runId: 'third', phase: 'expand' });
    const error = await failureOf(site.down({ kind: 'run', runId: 'second' }));
    expect(error).toMatchObject({
      code: 'LS512',
      context: { migration: '0003_fill_name, 0002_add_name', above: '0005_add_age' },
    });
    expect(await orderOf(site)).toBe('1 2 3 5');
    expect((await site.down({ kind: 'run', runId: 'third' })).reverted).toEqual(['0005_add_age']);
    expect((await site.down({ kind: 'run', runId: 'second' })).reverted).toHaveLength(2);
  });

  it('takes back a contract step although others expanded past it before', async () => {
    const site = await siteForTest();
    await site.up(RELEASE_2, { phase: 'expand' });
    const reversible = { ...RELEASE_2, '0004_drop_nom.down.sql': 'ALTER TABLE people ADD COLUMN nom text;' };
    await site.attempt(reversible, { runId: 'contract', phase: 'contract', toRevision: '4' });
    expect((await site.down({ kind: 'run', runId: 'contract' })).reverted).toEqual(['0004_drop_nom']);
    expect((await site.up(reversible)).applied).toEqual(['0004_drop_nom', '0006_drop_id_default']);
  });

  it('what a run applied is that also when the ledger was repaired since, and so is its restore point', async () => {
    const site = await siteForTest();
    await site.up(RELEASE_1, { phase: 'expand', toRevision: '2' });
    await site.attempt(RELEASE_1, { runId: 'second', restorePoint: 'snapshot-2' });
    const edited = {
      ...RELEASE_1,
      '0003_fill_name.backfill.sql': `-- why\n${RELEASE_1['0003_fill_name.backfill.sql']}`,
      '0004_drop_nom.contract.sql': `-- why\n${RELEASE_1['0004_drop_nom.contract.sql']}`,
    };
    const { recorded } = await repair({ ...site.context(), source: sourceOf(edited), accept: [] });
    expect(recorded).toHaveLength(2);
    const error = await failureOf(site.down({ kind: 'run', runId: 'second' }));
    expect(error).toMatchObject({
      code: 'LS606',
      context: { migration: '0004_drop_nom' },
      remedy: expect.stringContaining('snapshot-2 (of run second)'),
    });
  });

  it('refuses a run that the ledger does not know: LS504', async () => {
    const site = await siteForTest();
    expect(await failureOf(site.down({ kind: 'run', runId: 'nobody' }))).toMatchObject({ code: 'LS504' });
    await site.up(RELEASE_1);
    expect(await failureOf(site.down({ kind: 'run', runId: 'nobody' }))).toMatchObject({
      code: 'LS504',
      context: { run: 'nobody' },
    });
  });

  it('names everything that is irreversible before it begins, why, and where the data still is: LS606', async () => {
    const site = await siteForTest();
    await site.up(RELEASE_1, { phase: 'expand' });
    await site.attempt(RELEASE_2, { runId: 'contract-1', toRevision: '4', restorePoint: 'snapshot-7' });
    await site.up(RELEASE_2);
    const error = await failureOf(site.down({ kind: 'to', revision: '0' }));
    expect(error).toMatchObject({
      code: 'LS606',
      context: { migration: '0004_drop_nom, 0001_people', contract: '0004_drop_nom' },
      what: expect.stringMatching(
        /^No down script was recorded for 0004_drop_nom, 0001_people\. 0004_drop_nom is a contract step: .* irreversible unless/,
      ),
      remedy: expect.stringContaining('is in the restore point snapshot-7 (of run contract-1)'),
    });
    expect(await orderOf(site)).toBe('1 2 3 4 5 6');
    // Above it everything has a way back.
    expect((await site.down({ kind: 'to', revision: '4' })).reverted).toHaveLength(2);
  });
});
