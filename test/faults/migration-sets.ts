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

const insert = (revision: string) => `INSERT INTO effects (revision) VALUES ('${revision}');\n`;
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
