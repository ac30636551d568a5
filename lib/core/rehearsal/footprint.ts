/** What a step did to files, from the catalogs before and after it. */
import type { RehearsedStep } from './document.ts';

/** One table or index of the app. */
export interface RelationFile {
  readonly oid: string;
  /** schema.name, quoted where needed. */
  readonly name: string;
  /** `other`: a view, a materialized one, a foreign table. */
  readonly kind: 'table' | 'partitioned' | 'index' | 'other';
  /** pg_relation_filenode: another one after a rewrite; null for what has no file. */
  readonly file: string | null;
  /** Of an index: the table's. */
  readonly tableOid: string | null;
  /** Of a table with its indexes, of a partitioned table with its partitions. */
  readonly bytes: number;
}

const byOid = (relations: readonly RelationFile[]): ReadonlyMap<string, RelationFile> =>
  new Map(relations.map((relation) => [relation.oid, relation]));

/** Tables, and materialized views, that have another file now: TRUNCATE gives one, too. */
export function rewrittenIn(
  before: readonly RelationFile[],
  after: readonly RelationFile[],
): RehearsedStep['rewritten'] {
  const now = byOid(after);
  return before.flatMap(({ oid, kind, name, file, bytes }) => {
    const then = now.get(oid);
    const isRewritten = kind !== 'index' && file !== null && then && then.file !== file;
    return isRewritten ? [{ relation: name, bytes }] : [];
  });
}

/** New indexes, and those that were built anew, of tables that were there before. */
export function builtIn(
  before: readonly RelationFile[],
  after: readonly RelationFile[],
): RehearsedStep['indexes'] {
  const then = byOid(before);
  return after.flatMap(({ oid, kind, name, file, tableOid, bytes }) => {
    const table = kind === 'index' && tableOid !== null ? then.get(tableOid) : undefined;
    if (!table || file === null || then.get(oid)?.file === file) return [];
    return [{ index: name, relation: table.name, bytes }];
  });
}
