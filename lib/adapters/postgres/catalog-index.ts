/** Relations and indexes, looked up in the catalogs as the migration that names them would find them. */
import pg from 'pg';
import { LockstepError } from '../../core/errors/index.ts';
import { databaseError, SEE_LEDGER } from './database-error.ts';
import type { Session } from './session.ts';
import { QUERY_CANCELED, timeoutSetting } from './session-settings.ts';
import { identifier, literal } from './sql.ts';

export interface CatalogIndex {
  /** schema.name, quoted. */
  readonly name: string;
  readonly oid: string;
  /** False for what a broken-off CREATE or DROP INDEX CONCURRENTLY leaves behind. */
  readonly isValid: boolean;
  /** By another session, now. */
  readonly isBeingBuilt: boolean;
}

/** How a statement names an index: by itself, or as one of a table, in whose schema it is then. */
export interface NamedIndex {
  readonly schema?: string | undefined;
  readonly table?: string | undefined;
  readonly index: string;
}

/** The oid; undefined when there is no such table, index or view. */
export async function findRelation(
  session: Session,
  schema: string | undefined,
  name: string,
): Promise<string | undefined> {
  const path = [...(schema === undefined ? [] : [schema]), name].map(identifier).join('.');
  // The search_path holds for this message only, which is one transaction.
  const [found] = await session.query(
    `SELECT pg_catalog.set_config('search_path', ${literal(session.facts.searchPath)}, true);
     SELECT pg_catalog.to_regclass(${literal(path)})::pg_catalog.oid AS oid`,
  );
  return found?.oid ?? undefined;
}

export async function findIndex(
  session: Session,
  { schema, table, index }: NamedIndex,
): Promise<CatalogIndex | undefined> {
  const oid = await findRelation(session, schema, table ?? index);
  if (oid === undefined) return undefined;
  const isIt =
    table === undefined ? `i.indexrelid = ${oid}` : `i.indrelid = ${oid} AND c.relname = ${literal(index)}`;
  const [row] = await findIndexes(session, isIt);
  return row;
}

/** Over pg_index as i, the index's own pg_class as c. */
export async function findIndexes(session: Session, condition: string): Promise<CatalogIndex[]> {
  const rows = await session.query(
    `SELECT pg_catalog.format('%I.%I', n.nspname, c.relname) AS name, c.oid, i.indisvalid AND i.indisready AS valid,
       EXISTS (SELECT FROM pg_catalog.pg_stat_progress_create_index p WHERE p.index_relid = c.oid) AS being_built
     FROM pg_catalog.pg_class c JOIN pg_catalog.pg_index i ON i.indexrelid = c.oid
     JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE ${condition} ORDER BY c.oid`,
  );
  return rows.map((row) => ({
    name: row.name ?? '',
    oid: row.oid ?? '',
    isValid: row.valid === 't',
    isBeingBuilt: row.being_built === 't',
  }));
}

/** Waits for transactions that may use the index, for no longer than `limitMs` (Infinity: as they take). Throws LS604. */
export function dropIndex(session: Session, { name }: CatalogIndex, limitMs: number): Promise<void> {
  const what = `The INVALID index ${name}, which a statement that broke off left behind, could not be dropped in time.`;
  // It may have been taken away while it was waited for.
  return mend(session, `DROP INDEX CONCURRENTLY IF EXISTS ${name}`, limitMs, what);
}

/** A statement of ours outside a transaction; `what` says that its time was over. Throws LS604. */
export async function mend(session: Session, sql: string, limitMs: number, what: string): Promise<void> {
  await session.query(`SET statement_timeout = ${timeoutSetting(limitMs)}`);
  try {
    await session.run(sql);
  } catch (error) {
    throw isCanceled(error) ? heldUp(what, error) : databaseError(error);
  } finally {
    if (!session.isLost) await session.query('SET statement_timeout = 0');
  }
}

const isCanceled = (error: unknown): boolean =>
  error instanceof pg.DatabaseError && error.code === QUERY_CANCELED;

const heldUp = (what: string, cause: unknown): LockstepError =>
  new LockstepError('LS604', {
    what,
    state: SEE_LEDGER,
    remedy:
      'End the transaction that holds it up (an older one, on any table), and run the same command again.',
    cause,
  });
