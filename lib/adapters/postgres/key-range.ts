/** Ranges of a table's key, in the order of the key, as the migration's own names find the table. */
import { LockstepError } from '../../core/errors/index.ts';
import { type Batch, migrationName } from '../../core/plan/index.ts';
import type { Change } from './change.ts';
import type { Session } from './session.ts';
import { identifier, literal } from './sql.ts';

/** Above `after` (from the beginning of the table, if it is null), up to and including `upTo`; values as text. */
export interface Range {
  readonly after: readonly string[] | null;
  readonly upTo: readonly string[];
  /** That were in it when it was looked up. */
  readonly keys: number;
  /** That were asked for. */
  readonly size: number;
}

const tableName = ({ schema, table }: Batch): string =>
  [...(schema === undefined ? [] : [schema]), table].map(identifier).join('.');

/** For one message, which is one transaction. */
const asMigration = ({ facts }: Session): string =>
  `SELECT pg_catalog.set_config('search_path', ${literal(facts.searchPath)}, true)`;

/** Throws LS609 when the columns are not a unique key, or there is no such table. */
export async function walkedTable(
  session: Session,
  batch: Batch,
  change: Change,
): Promise<{ readonly tableKeys: number }> {
  const [found] = await session.query(
    `${asMigration(session)}; SELECT pg_catalog.to_regclass(${literal(tableName(batch))})::pg_catalog.oid AS oid`,
  );
  if (!found?.oid) throw unusable(batch, change, `there is no table ${batch.table}`);
  const columns = `ARRAY[${batch.key.map(literal).join(', ')}]::pg_catalog.text[]`;
  const [row] = await session.query(
    `SELECT c.reltuples::pg_catalog.int8 AS tuples, EXISTS (
       SELECT FROM pg_catalog.pg_index i
       WHERE i.indrelid = c.oid AND i.indisunique AND i.indisvalid AND i.indpred IS NULL AND i.indexprs IS NULL
         AND ARRAY(SELECT a.attname::pg_catalog.text FROM pg_catalog.generate_series(0, i.indnkeyatts - 1) n
               JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum = i.indkey[n]
               WHERE a.attnotnull ORDER BY n) = ${columns}) AS usable
     FROM pg_catalog.pg_class c WHERE c.oid = ${found.oid}`,
  );
  if (row?.usable !== 't') {
    throw unusable(
      batch,
      change,
      `${batch.table} has no unique index on exactly (${batch.key.join(', ')}), all NOT NULL`,
    );
  }
  return { tableKeys: Number(row.tuples) };
}

/** Undefined behind the end of the table. */
export async function nextRange(
  session: Session,
  batch: Batch,
  after: readonly string[] | null,
  size: number,
): Promise<Range | undefined> {
  const columns = batch.key.map(identifier);
  const list = columns.join(', ');
  const where = after ? `WHERE ${rowOf(columns)} > ${rowOf(after.map(literal))}` : '';
  const [row] = await session.query(
    `${asMigration(session)};
     SELECT ${columns.map((column, n) => `${column}::pg_catalog.text AS key_${n}`).join(', ')}, covered
     FROM (SELECT ${list}, pg_catalog.count(*) OVER () AS covered FROM
       (SELECT ${list} FROM ${tableName(batch)} ${where} ORDER BY ${list} LIMIT ${size}) batch) counted
     ORDER BY ${columns.map((column) => `${column} DESC`).join(', ')} LIMIT 1`,
  );
  if (!row) return undefined;
  const upTo = columns.map((_, n) => row[`key_${n}`] ?? '');
  return { after, upTo, keys: Number(row.covered), size };
}

/** What stands in the statement in the place of the call. */
export function conditionOf({ key, qualifier }: Batch, { after, upTo }: Range): string {
  const columns = rowOf(key.map((column) => [...qualifier, column].map(identifier).join('.')));
  const above = after ? `${columns} > ${rowOf(after.map(literal))} AND ` : '';
  return `(${above}${columns} <= ${rowOf(upTo.map(literal))})`;
}

/** Of one value or of several; constants get the type of the column that they are compared with. */
const rowOf = (values: readonly string[]): string => `(${values.join(', ')})`;

const unusable = (batch: Batch, change: Change, why: string): LockstepError =>
  new LockstepError('LS609', {
    what: `The back-fill ${migrationName(change)} cannot walk ${batch.table}: ${why}.`,
    state: 'It has changed nothing that is not recorded; the migrations before it stay applied.',
    remedy:
      'Name the columns of the primary key, or of another unique index, in its order: `lockstep.batch(tenant_id, id)`.',
    context: { migration: migrationName(change), table: batch.table },
  });
