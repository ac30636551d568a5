/** An index, looked up in the catalogs as the migration that names it would find it. */
import pg from 'pg';
import { LockstepError } from '../../core/errors/index.ts';
import { databaseError, SEE_LEDGER } from './database-error.ts';
import type { Session } from './session.ts';
import { QUERY_CANCELED, timeoutSetting } from './session-settings.ts';
import { identifier, literal } from './sql.ts';

export interface CatalogIndex {
  /** schema.name, quoted. */
  readonly name: string;
  /** False for what a broken-off CREATE INDEX CONCURRENTLY leaves behind. */
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

export async function findIndex(
  session: Session,
  { schema, table, index }: NamedIndex,
): Promise<CatalogIndex | undefined> {
  const path = [...(schema === undefined ? [] : [schema]), table ?? index].map(identifier).join('.');
  // The path holds for this message only, which is one transaction.
  const [found] = await session.query(
    `SELECT pg_catalog.set_config('search_path', ${literal(session.facts.searchPath)}, true);
     SELECT pg_catalog.to_regclass(${literal(path)})::pg_catalog.oid AS oid`,
  );
  if (!found?.oid) return undefined;
  const isIt =
    table === undefined
      ? `i.indexrelid = ${found.oid}`
      : `i.indrelid = ${found.oid} AND c.relname = ${literal(index)}`;
  const [row] = await session.query(
    `SELECT pg_catalog.format('%I.%I', n.nspname, c.relname) AS name, i.indisvalid AND i.indisready AS valid,
       EXISTS (SELECT FROM pg_catalog.pg_stat_progress_create_index p WHERE p.index_relid = c.oid) AS being_built
     FROM pg_catalog.pg_class c JOIN pg_catalog.pg_index i ON i.indexrelid = c.oid
     JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE ${isIt}`,
  );
  return row && { name: row.name ?? '', isValid: row.valid === 't', isBeingBuilt: row.being_built === 't' };
}

/** Waits for transactions that may use the index, for no longer than `limitMs` (Infinity: as they take). Throws LS604. */
export async function dropIndex(session: Session, { name }: CatalogIndex, limitMs: number): Promise<void> {
  await session.query(`SET statement_timeout = ${timeoutSetting(limitMs)}`);
  try {
    await session.run(`DROP INDEX CONCURRENTLY ${name}`);
  } catch (error) {
    throw isCanceled(error) ? heldUp(name, error) : databaseError(error);
  } finally {
    if (!session.isLost) await session.query('SET statement_timeout = 0');
  }
}

const isCanceled = (error: unknown): boolean =>
  error instanceof pg.DatabaseError && error.code === QUERY_CANCELED;

const heldUp = (name: string, cause: unknown): LockstepError =>
  new LockstepError('LS604', {
    what: `The INVALID index ${name}, which a build that broke off left behind, could not be dropped in time.`,
    state: SEE_LEDGER,
    remedy:
      'End the transaction that holds it up (an older one, on any table), and run the same command again.',
    context: { index: name },
    cause,
  });
