/**
 * Which statements PostgreSQL refuses inside a transaction block (PreventInTransactionBlock in its sources), and
 * how their work shows in the catalogs afterwards. What depends on the database and not on the text, such as
 * CLUSTER of a partitioned table, counts as transactional: PostgreSQL then refuses it and nothing has happened.
 */
import type { Postcondition } from '../bundle.ts';
import { nameParts, optionOf, type StatementNode } from './parse-tree.ts';

const UNKNOWN: Postcondition = { kind: 'unknown' };
const REPEATABLE: Postcondition = { kind: 'repeatable' };

/** The postcondition of a statement that must run outside a transaction; undefined for a transactional one. */
export function postconditionOf(node: StatementNode): Postcondition | undefined {
  if (isRepeatable(node)) return REPEATABLE;
  if (node.IndexStmt?.concurrent) {
    const { idxname: index, relation } = node.IndexStmt;
    // An index is in the schema of its table, whatever is before that in the search_path.
    const table = { ...inSchema(relation.schemaname), table: relation.relname };
    return index === undefined ? UNKNOWN : { kind: 'index-valid', ...table, index };
  }
  if (node.DropStmt?.concurrent) {
    const [index, schema] = nameParts(node.DropStmt.objects[0] ?? {}).reverse();
    return index === undefined ? UNKNOWN : { kind: 'index-absent', ...inSchema(schema), index };
  }
  return isOutsideTransaction(node) ? UNKNOWN : undefined;
}

const inSchema = (schema: string | undefined) => (schema === undefined ? {} : { schema });

/**
 * REINDEX CONCURRENTLY is here, too, and not with the postcondition that the index be valid: the old index stays valid
 * while the new one is built, and is what the recovery of an index build that broke off would drop.
 */
function isRepeatable({ VacuumStmt, ReindexStmt, ClusterStmt, AlterSystemStmt }: StatementNode): boolean {
  if (VacuumStmt) return VacuumStmt.is_vacuumcmd === true;
  if (ReindexStmt)
    return optionOf(ReindexStmt.params, 'concurrently') === true || REINDEX_MANY.has(ReindexStmt.kind);
  if (ClusterStmt) return ClusterStmt.relation === undefined;
  return AlterSystemStmt !== undefined;
}

const REINDEX_MANY = new Set(['REINDEX_OBJECT_SCHEMA', 'REINDEX_OBJECT_SYSTEM', 'REINDEX_OBJECT_DATABASE']);

function isOutsideTransaction(node: StatementNode): boolean {
  if (node.AlterTableStmt)
    return node.AlterTableStmt.cmds.some((c) => c.AlterTableCmd.def?.PartitionCmd?.concurrent);
  if (node.AlterDatabaseStmt) return optionOf(node.AlterDatabaseStmt.options, 'tablespace') !== undefined;
  if (node.CreateSubscriptionStmt) return createsSlot(node.CreateSubscriptionStmt);
  if (node.AlterSubscriptionStmt) return reachesPublisher(node.AlterSubscriptionStmt);
  const others = [
    node.CreatedbStmt,
    node.DropdbStmt,
    node.CreateTableSpaceStmt,
    node.DropTableSpaceStmt,
    node.DropSubscriptionStmt,
  ];
  return others.some((other) => other !== undefined);
}

function createsSlot({ options }: NonNullable<StatementNode['CreateSubscriptionStmt']>): boolean {
  return optionOf(options, 'create_slot') ?? optionOf(options, 'connect') ?? true;
}

function reachesPublisher({ kind, options }: NonNullable<StatementNode['AlterSubscriptionStmt']>): boolean {
  if (kind === 'ALTER_SUBSCRIPTION_REFRESH') return true;
  if (kind.endsWith('_PUBLICATION')) return optionOf(options, 'refresh') ?? true;
  return ['failover', 'two_phase'].some((name) => optionOf(options, name) !== undefined);
}
