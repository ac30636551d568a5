/**
 * What a broken-off REINDEX CONCURRENTLY leaves: the new index under a name of its own (`…_ccnew`), or the old one when
 * the two had changed places (`…_ccold`), both INVALID. Ours are those of our tables that were not there before.
 */
import type { Postcondition } from '../../core/plan/index.ts';
import { type CatalogIndex, findIndexes, findRelation } from './catalog-index.ts';
import type { Session } from './session.ts';
import { identifier, literal } from './sql.ts';

export type Reindexed = Extract<Postcondition, { kind: 'reindexed' }>;

export async function findLeftovers(session: Session, reindexed: Reindexed): Promise<CatalogIndex[]> {
  const tables = await tablesOf(session, reindexed);
  if (tables === undefined) return [];
  const found = await findIndexes(
    session,
    `NOT i.indisvalid AND c.relname ~ '_cc(new|old)[0-9]*$' AND EXISTS (SELECT FROM pg_catalog.pg_class t
       WHERE (t.oid = i.indrelid OR t.reltoastrelid = i.indrelid) AND ${tables})`,
  );
  return found.filter((index) => !index.isBeingBuilt);
}

/** A condition over pg_class as t; undefined when there is nothing of that name. */
async function tablesOf(session: Session, { of, schema, name }: Reindexed): Promise<string | undefined> {
  if (of === 'database') return 'true';
  if (of === 'schema')
    return `t.relnamespace = pg_catalog.to_regnamespace(${literal(identifier(schema ?? ''))})`;
  const oid = await findRelation(session, schema, name ?? '');
  if (oid === undefined) return undefined;
  // An index or a table, and all of its partitions.
  return `t.oid IN (SELECT COALESCE(x.indrelid, r.relid)
    FROM (SELECT p.relid FROM pg_catalog.pg_partition_tree(${oid}) p UNION SELECT ${oid}::pg_catalog.regclass) r
    LEFT JOIN pg_catalog.pg_index x ON x.indexrelid = r.relid)`;
}
