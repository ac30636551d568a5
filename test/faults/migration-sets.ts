/** Migrations for the scenarios. Each insert is an effect; an index is one, too. */
export interface MigrationSet {
  readonly files: Readonly<Record<string, string>>;
  readonly revisions: readonly string[];
  /** Those that insert a row. */
  readonly rows: readonly string[];
  /** What is there when all is applied. */
  readonly indexes: readonly string[];
}

/** Taken by a migration for a moment: while it is held, the migration waits in the middle of its SQL. */
export const GATE_KEY = 7;

/** While it is held, the function `unhurried` does not return, and does not wait for a lock, either. */
export const WORK_KEY = 8;

export const insert = (revision: string) => `INSERT INTO effects (revision) VALUES ('${revision}');\n`;
const GATED = `-- lockstep: lock-timeout=60s\n${insert('0002')}SELECT pg_advisory_xact_lock_shared(${GATE_KEY});\n`;
const BUILD = 'CREATE INDEX CONCURRENTLY effects_revision ON effects (revision);\n';

export const MIXED: MigrationSet = {
  files: {
    '0001_first.sql': insert('0001'),
    '0002_gated.sql': GATED,
    '0003_index.sql': BUILD,
    '0004_last.sql': insert('0004'),
  },
  revisions: ['0001', '0002', '0003', '0004'],
  rows: ['0001', '0002', '0004'],
  indexes: ['effects_revision'],
};

export const LOCK_TIMEOUT_MS = 500;

/** The second one wants the table for itself. */
export const LOCKING: MigrationSet = {
  files: {
    '0001_first.sql': insert('0001'),
    '0002_change.sql': `-- lockstep: lock-timeout=${LOCK_TIMEOUT_MS}ms\nALTER TABLE effects ADD COLUMN note text;\n${insert('0002')}`,
  },
  revisions: ['0001', '0002'],
  rows: ['0001', '0002'],
  indexes: [],
};

/** If a build comes late, there is an index in the end. */
export const BUILD_AND_DROP: MigrationSet = {
  files: {
    '0001_first.sql': insert('0001'),
    '0002_build.sql': BUILD,
    '0003_drop.sql': 'DROP INDEX CONCURRENTLY effects_revision;\n',
  },
  revisions: ['0001', '0002', '0003'],
  rows: ['0001'],
  indexes: [],
};

/** What is in the middle breaks off with something half done. */
const around = (first: string, middle: string, indexes: readonly string[]): MigrationSet => ({
  files: {
    '0001_first.sql': `${insert('0001')}${first}`,
    '0002_middle.sql': middle,
    '0003_last.sql': insert('0003'),
  },
  revisions: ['0001', '0002', '0003'],
  rows: ['0001', '0003'],
  indexes,
});

const INDEXED = 'CREATE INDEX effects_revision ON effects (revision);\n';
const DETACHING = 'ALTER TABLE parted DETACH PARTITION part CONCURRENTLY;\n';
export const REINDEX = around(INDEXED, 'REINDEX TABLE CONCURRENTLY effects;\n', ['effects_revision']);
export const DROP = around(INDEXED, 'DROP INDEX CONCURRENTLY effects_revision;\n', []);
export const DETACH = around(INDEXED, DETACHING, ['effects_revision']);
export const AT_WORK = around('', BUILD.replace('(revision)', '(unhurried(revision))'), ['effects_revision']);

const SLOW = 'PERFORM pg_sleep(0.0003)';

/** Each kind of step, with some time in it. Each row of `items` counts how often a batch wrote it. */
export const KILLED: MigrationSet = {
  files: {
    '0001_items.sql': `${insert('0001')}CREATE TABLE items (id int PRIMARY KEY, touched int NOT NULL DEFAULT 0);
      INSERT INTO items SELECT generate_series(1, 1500);
      CREATE FUNCTION slow(id int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS 'BEGIN ${SLOW}; RETURN id; END';
      CREATE FUNCTION slow_down() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN ${SLOW}; RETURN NEW; END';
      CREATE TRIGGER slow_down BEFORE UPDATE ON items FOR EACH ROW EXECUTE FUNCTION slow_down();\n`,
    '0002_index.sql': 'CREATE INDEX CONCURRENTLY items_slow ON items (slow(id));\n',
    '0003_touch.backfill.sql': 'UPDATE items SET touched = touched + 1 WHERE lockstep.batch(id);\n',
    '0004_mixed.sql': `CREATE TABLE mixed (); CREATE INDEX CONCURRENTLY items_gone ON items (slow(id));
      REINDEX INDEX CONCURRENTLY items_gone; DROP INDEX CONCURRENTLY items_gone; ${insert('0004')}`,
    '0005_detach.sql': DETACHING,
    '0006_slow.sql': `SELECT pg_sleep(0.4); ${insert('0006')}`,
    '0007_last.sql': insert('0007'),
  },
  revisions: ['0001', '0002', '0003', '0004', '0005', '0006', '0007'],
  rows: ['0001', '0004', '0006', '0007'],
  indexes: [],
};
