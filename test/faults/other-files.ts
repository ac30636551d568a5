/** The migrations that the processes read are other ones in the next attempt, or for the next process. */
import type { LeaseKind } from './fault.ts';
import { closeGate } from './gate.ts';
import { failing } from './holder-fails.ts';
import { unless, type Violation, violationsIn } from './invariants.ts';
import { insert, MIXED, type MigrationSet } from './migration-sets.ts';
import type { HolderPlace } from './places.ts';
import { classOf, limitIn, type Scenario, succeeds } from './scenario.ts';
import { createWorld, type World } from './world.ts';

const RELEASED: MigrationSet = {
  ...MIXED,
  files: { ...MIXED.files, '0005_more.sql': insert('0005') },
  revisions: [...MIXED.revisions, '0005'],
  rows: [...MIXED.rows, '0005'],
};

const edited = (set: MigrationSet, file: string, sql: string): MigrationSet => ({
  ...set,
  files: { ...set.files, [file]: sql },
});

const without = (set: MigrationSet, file: string): MigrationSet => ({
  ...set,
  files: Object.fromEntries(Object.entries(set.files).filter(([name]) => name !== file)),
});

/** But for the record of runs. */
const SCHEMA = `SELECT
  (SELECT json_agg(e ORDER BY e.id) FROM effects e) AS effects,
  (SELECT json_agg(e ORDER BY e.id) FROM lockstep.entry e) AS entries,
  (SELECT json_agg(j ORDER BY j.revision, j.step) FROM lockstep.journal j) AS journal,
  (SELECT json_agg(c.relname ORDER BY 1) FROM pg_class c WHERE relnamespace = 'public'::regnamespace) AS relations`;

/** Told, and nothing is touched. */
async function isRefused(world: World, code: string): Promise<Violation[]> {
  const before = await world.query(SCHEMA);
  const ended = await world.up().endedWithin(limitIn(world));
  const after = await world.query(SCHEMA);
  return [
    ...unless(ended?.output.error?.code === code, 'asked', ended),
    ...unless(JSON.stringify(before) === JSON.stringify(after), 'inert', { before, after }),
  ];
}

export const OTHER_FILES = 'between two migrations, and the next one has other files';

/** What was not applied yet may be another migration, and there may be more. */
export const filesChangeAfterKill = (lease: LeaseKind): Scenario => ({
  name: `${OTHER_FILES}, lease in ${lease}`,
  strikes: { point: OTHER_FILES, fault: 'SIGKILL', class: classOf('SIGKILL', lease, false) },
  async run(context, edits, recovered) {
    const world = await createWorld({ context, lease, set: MIXED, edits });
    await failing(world, 'between two migrations', 'SIGKILL');
    await world.deploy(edited(RELEASED, '0002_gated.sql', `${insert('0002')}CREATE TABLE another ();\n`));
    const failedMs = performance.now();
    const found = await succeeds(world, world.up());
    recovered?.(performance.now() - failedMs);
    const isTheirs = (await world.query(`SELECT FROM pg_class WHERE relname = 'another'`)).length === 1;
    return [
      ...found,
      ...unless(isTheirs, 'asked', 'another'),
      ...(await violationsIn({ ...world, set: RELEASED })),
    ];
  },
});

interface Refused {
  readonly name: string;
  readonly place: HolderPlace;
  readonly set: MigrationSet;
  readonly code: string;
}

/** Until the files are put back, and then everything goes on. */
const refuses = ({ name, place, set, code }: Refused): Scenario => ({
  name: `killed ${place}, and ${name}: ${code}`,
  async run(context, edits) {
    const world = await createWorld({ context, lease: 'postgres', set: MIXED, edits });
    await failing(world, place, 'SIGKILL');
    await world.deploy(set);
    const found = await isRefused(world, code);
    await world.deploy(MIXED);
    found.push(...(await succeeds(world, world.up())));
    return [...found, ...(await violationsIn(world))];
  },
});

export const REFUSED: readonly Scenario[] = [
  refuses({
    name: 'what it had applied is another migration for the next one',
    place: 'between two migrations',
    set: edited(MIXED, '0001_first.sql', `${insert('0001')}CREATE TABLE another ();\n`),
    code: 'LS501',
  }),
  refuses({
    name: 'what it had begun is another statement for the next one',
    place: 'an index built, its end not journalled',
    set: edited(MIXED, '0003_index.sql', 'CREATE INDEX CONCURRENTLY effects_revision ON effects (id);\n'),
    code: 'LS501',
  }),
  refuses({
    name: 'the next one lacks what it had begun',
    place: 'an index built, its end not journalled',
    set: without(MIXED, '0003_index.sql'),
    code: 'LS612',
  }),
];

/** Who waits has read its files, whatever becomes of them; who comes after the change has the new ones. */
export const filesChangeMeanwhile = (lease: LeaseKind): Scenario => ({
  name: `the files are changed while others wait, lease in ${lease}`,
  async run(context, edits) {
    const world = await createWorld({ context, lease, set: MIXED, edits });
    const gate = await closeGate(world, 'a migration');
    const holder = world.up();
    await gate.reached();
    const before = world.up();
    await before.says(/Waiting for the lease/);
    await world.deploy(RELEASED);
    const after = world.up();
    await after.says(/Waiting for the lease/);
    await gate.lift();
    const found = (await Promise.all([holder, before, after].map((each) => succeeds(world, each)))).flat();
    const { applied = [] } = (await before.ended).output;
    const isAsRead = !applied.includes('0005_more');
    return [
      ...found,
      ...unless(isAsRead, 'asked', applied),
      ...(await violationsIn({ ...world, set: RELEASED })),
    ];
  },
});
