/** What the workers of a simulation apply: rows, and an index that is built outside a transaction. */
import { readBundle, sourceOfBundle } from '../../lib/core/plan/bundle.ts';
import type { MigrationSource } from '../../lib/core/plan/index.ts';
import { compiledText } from '../support/compiled-text.ts';

export interface SimulatedSet {
  readonly source: MigrationSource;
  readonly revisions: readonly string[];
  /** Those that insert a row. */
  readonly rows: readonly string[];
  /** That which builds INDEX. */
  readonly build: string | undefined;
}

export const INDEX = 'effects_revision';

const insert = (revision: string) => `INSERT INTO effects (revision) VALUES ('${revision}');\n`;
const BUILD = `CREATE INDEX CONCURRENTLY ${INDEX} ON effects (revision);\n`;

async function setOf(files: Readonly<Record<string, string>>): Promise<SimulatedSet> {
  const source = sourceOfBundle(readBundle(await compiledText(files)));
  const named = Object.entries(files).map(([name, sql]) => ({ revision: name.slice(0, 4), sql }));
  return {
    source,
    revisions: named.map(({ revision }) => revision),
    rows: named.filter(({ sql }) => sql !== BUILD).map(({ revision }) => revision),
    build: named.find(({ sql }) => sql === BUILD)?.revision,
  };
}

const FIRST = { '0001_first.sql': insert('0001') };
const REST = { '0003_third.sql': insert('0003'), '0004_last.sql': insert('0004') };

export const ROWS_AND_INDEX = await setOf({ ...FIRST, '0002_index.sql': BUILD, ...REST });
/** No statement outside a transaction, which only the lock protects. */
export const ROWS_ONLY = await setOf({ ...FIRST, '0002_second.sql': insert('0002'), ...REST });
