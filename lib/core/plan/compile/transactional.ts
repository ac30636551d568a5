/**
 * Which statements PostgreSQL refuses inside a transaction block (PreventInTransactionBlock in its sources, releases
 * 14 to 18), and how their work shows in the catalogs afterwards. What depends on the database and not on the text,
 * such as CLUSTER of a partitioned table, counts as transactional: PostgreSQL then refuses it and nothing has happened.
 */
import type { Postcondition } from '../postcondition.ts';
import { nameParts, optionOf, type RangeVar, type StatementNode } from './parse-tree.ts';

const UNKNOWN: Postcondition = { kind: 'unknown' };
const REPEATABLE: Postcondition = { kind: 'repeatable' };

/** The postcondition of a statement that must run outside a transaction; undefined for a transactional one. */
export const postconditionOf = (node: StatementNode): Postcondition | undefined =>
  ofIndex(node) ??
  ofReindex(node) ??
  ofPartition(node) ??
  ofObject(node) ??
  ofSubscription(node) ??
  ofRest(node);

const inSchema = (schema: string | undefined) => (schema === undefined ? {} : { schema });

function ofIndex({ IndexStmt, DropStmt }: StatementNode): Postcondition | undefined {
  if (IndexStmt?.concurrent) {
    const { idxname: index, relation } = IndexStmt;
    // An index is in the schema of its table, whatever is before that in the search_path.
    const table = { ...inSchema(relation.schemaname), table: relation.relname };
    return index === undefined ? UNKNOWN : { kind: 'index-valid', ...table, index };
  }
  if (!DropStmt?.concurrent) return undefined;
  const [index, schema] = nameParts(DropStmt.objects[0] ?? {}).reverse();
  return index === undefined ? UNKNOWN : { kind: 'index-absent', ...inSchema(schema), index };
}

/** All the indexes of many tables: each table's in a transaction of its own, concurrently or not. */
const REINDEX_MANY: Readonly<Record<string, 'schema' | 'database'>> = {
  REINDEX_OBJECT_SCHEMA: 'schema',
  REINDEX_OBJECT_DATABASE: 'database',
  REINDEX_OBJECT_SYSTEM: 'database',
};

/**
 * That the index be valid is no postcondition of REINDEX CONCURRENTLY: the old one stays so while the new one is built.
 */
function ofReindex({ ReindexStmt }: StatementNode): Postcondition | undefined {
  if (!ReindexStmt) return undefined;
  const { kind, params, relation, name } = ReindexStmt;
  const many = REINDEX_MANY[kind];
  if (optionOf(params, 'concurrently') !== true) return many && REPEATABLE;
  if (many === 'schema' && name !== undefined) return { kind: 'reindexed', of: many, schema: name };
  if (!relation) return { kind: 'reindexed', of: 'database' };
  return { kind: 'reindexed', of: 'relation', ...inSchema(relation.schemaname), name: relation.relname };
}

function ofPartition({ AlterTableStmt }: StatementNode): Postcondition | undefined {
  const commands = AlterTableStmt?.cmds.flatMap(({ AlterTableCmd: c }) => c.def?.PartitionCmd ?? []);
  const detached = commands?.find((command) => command.concurrent)?.name;
  return detached && AlterTableStmt && partitionDetached(AlterTableStmt.relation, detached);
}

function partitionDetached(parent: RangeVar, detached: RangeVar): Postcondition {
  const partition = { partition: detached.relname };
  const names = { ...inSchema(parent.schemaname), table: parent.relname, ...partition };
  return detached.schemaname === undefined
    ? { kind: 'partition-detached', ...names }
    : { kind: 'partition-detached', ...names, partitionSchema: detached.schemaname };
}

function ofObject(node: StatementNode): Postcondition | undefined {
  const { CreatedbStmt, DropdbStmt, CreateTableSpaceStmt, DropTableSpaceStmt } = node;
  const database = (CreatedbStmt ?? DropdbStmt)?.dbname;
  const tablespace = (CreateTableSpaceStmt ?? DropTableSpaceStmt)?.tablespacename;
  const kind = CreatedbStmt || CreateTableSpaceStmt ? 'object-present' : 'object-absent';
  if (database !== undefined) return { kind, of: 'database', name: database };
  return tablespace === undefined ? undefined : { kind, of: 'tablespace', name: tablespace };
}

/** A slot on the publisher is a part of most of them, and that is another server. */
function ofSubscription(node: StatementNode): Postcondition | undefined {
  const { CreateSubscriptionStmt: create, AlterSubscriptionStmt: alter } = node;
  if (node.DropSubscriptionStmt) return UNKNOWN;
  if (create) return createsSlot(create.options) ? UNKNOWN : undefined;
  if (!alter) return undefined;
  const { kind, options } = alter;
  if (kind === 'ALTER_SUBSCRIPTION_REFRESH') return REPEATABLE;
  if (kind.endsWith('_PUBLICATION')) {
    if (optionOf(options, 'refresh') === false) return undefined;
    return kind === 'ALTER_SUBSCRIPTION_SET_PUBLICATION' ? REPEATABLE : UNKNOWN;
  }
  const changesSlot = ['failover', 'two_phase'].some((name) => optionOf(options, name) !== undefined);
  return changesSlot ? REPEATABLE : undefined;
}

const createsSlot = (options: Parameters<typeof optionOf>[0]): boolean =>
  optionOf(options, 'create_slot') ?? optionOf(options, 'connect') ?? true;

function ofRest(node: StatementNode): Postcondition | undefined {
  const { VacuumStmt, ClusterStmt, AlterSystemStmt, AlterDatabaseStmt } = node;
  if (AlterDatabaseStmt && optionOf(AlterDatabaseStmt.options, 'tablespace') === undefined) return undefined;
  const clustersAll = ClusterStmt && ClusterStmt.relation === undefined;
  return VacuumStmt?.is_vacuumcmd || clustersAll || AlterSystemStmt || AlterDatabaseStmt
    ? REPEATABLE
    : undefined;
}
