/**
 * Which strong locks a statement takes, from its parse tree; for the compiler.
 *
 * Sources: AlterTableGetLockLevel in src/backend/commands/tablecmds.c, and what the pages of the commands and
 * https://www.postgresql.org/docs/current/explicit-locking.html say. A test compares it with what servers do.
 */
import type { RangeVar, StatementNode } from '../plan/compile/parse-tree.ts';
import { alterTableLocks, referencedTables } from './infer-alter-table.ts';
import { locksOfDrop } from './infer-drop.ts';
import {
  isStrong,
  LOCK_MODES,
  type RelationLock,
  relationKey,
  type StrongMode,
  strongestOf,
} from './lock-mode.ts';

export interface InferredFrom {
  readonly node: StatementNode;
  /** Whether it shares its transaction with the transactional statements beside it. */
  readonly transactional: boolean;
  /** Whether those after it are in another transaction. */
  readonly endsTransaction: boolean;
}

/**
 * For each statement of a script, in order. What a transaction has made itself nobody else can see yet, so that a lock
 * on it is in nobody's way; a statement outside transactions takes its locks alone, and gets none here.
 */
export function inferLocks(statements: readonly InferredFrom[]): RelationLock[][] {
  let made = new Set<string>();
  return statements.map(({ node, transactional, endsTransaction }) => {
    if (!transactional) {
      made = new Set();
      return [];
    }
    const locks = strongestOf(locksOf(node)).filter((lock) => !made.has(relationKey(lock)));
    for (const relation of madeBy(node)) made.add(relationKey(named(relation)));
    if (endsTransaction) made = new Set();
    return locks;
  });
}

const named = ({ schemaname, relname }: RangeVar) => ({
  ...(schemaname === undefined ? {} : { schema: schemaname }),
  relation: relname,
});

const lock = (relation: RangeVar | undefined, mode: StrongMode): RelationLock[] =>
  relation ? [{ ...named(relation), mode }] : [];

/** Only where it is certain that they were not there before. */
function madeBy(node: StatementNode): RangeVar[] {
  const { CreateStmt, CreateTableAsStmt, CreateSeqStmt, SelectStmt, ViewStmt } = node;
  if (CreateStmt && !CreateStmt.if_not_exists) return [CreateStmt.relation];
  if (CreateTableAsStmt && !CreateTableAsStmt.if_not_exists) return [CreateTableAsStmt.into.rel];
  if (CreateSeqStmt && !CreateSeqStmt.if_not_exists) return [CreateSeqStmt.sequence];
  if (ViewStmt && !ViewStmt.replace) return [ViewStmt.view];
  return SelectStmt?.intoClause ? [SelectStmt.intoClause.rel] : [];
}

function locksOf(node: StatementNode): RelationLock[] {
  if (node.AlterTableStmt) return alterTableLocks(node.AlterTableStmt);
  if (node.DropStmt) return locksOfDrop(node.DropStmt);
  if (node.CreateStmt) return locksOfCreate(node.CreateStmt);
  if (node.IndexStmt) return lock(node.IndexStmt.relation, 'SHARE');
  if (node.TruncateStmt)
    return node.TruncateStmt.relations.flatMap((r) => lock(r.RangeVar, 'ACCESS EXCLUSIVE'));
  if (node.ReindexStmt) return locksOfReindex(node.ReindexStmt);
  if (node.LockStmt) return locksOfLock(node.LockStmt);
  if (node.RefreshMatViewStmt) {
    const { relation, concurrent } = node.RefreshMatViewStmt;
    return lock(relation, concurrent ? 'EXCLUSIVE' : 'ACCESS EXCLUSIVE');
  }
  if (node.CreateTrigStmt) {
    const { relation, constrrel } = node.CreateTrigStmt;
    return [relation, constrrel].flatMap((table) => lock(table, 'SHARE ROW EXCLUSIVE'));
  }
  if (node.AlterSeqStmt) return lock(node.AlterSeqStmt.sequence, 'SHARE ROW EXCLUSIVE');
  if (node.ViewStmt) return node.ViewStmt.replace ? lock(node.ViewStmt.view, 'ACCESS EXCLUSIVE') : [];
  // An index is renamed under SHARE UPDATE EXCLUSIVE.
  if (node.RenameStmt?.renameType === 'OBJECT_INDEX') return [];
  const changed =
    node.RenameStmt?.relation ??
    node.AlterObjectSchemaStmt?.relation ??
    node.ClusterStmt?.relation ??
    node.RuleStmt?.relation ??
    node.CreatePolicyStmt?.table ??
    node.AlterPolicyStmt?.table;
  return lock(changed, 'ACCESS EXCLUSIVE');
}

/** A partition changes its parent; a foreign key puts triggers on the table that it refers to. */
function locksOfCreate(statement: NonNullable<StatementNode['CreateStmt']>): RelationLock[] {
  const parents = statement.partbound ? (statement.inhRelations ?? []) : [];
  return [
    ...parents.flatMap((parent) => lock(parent.RangeVar, 'ACCESS EXCLUSIVE')),
    ...referencedTables(statement.tableElts).flatMap((table) => lock(table, 'SHARE ROW EXCLUSIVE')),
  ];
}

function locksOfReindex({ kind, relation }: NonNullable<StatementNode['ReindexStmt']>): RelationLock[] {
  // The table's indexes are locked as well, which every reader of the table has locked, too.
  return lock(relation, kind === 'REINDEX_OBJECT_INDEX' ? 'ACCESS EXCLUSIVE' : 'SHARE');
}

function locksOfLock({ relations, mode }: NonNullable<StatementNode['LockStmt']>): RelationLock[] {
  const asked = LOCK_MODES[mode - 1];
  return asked && isStrong(asked) ? relations.flatMap((relation) => lock(relation.RangeVar, asked)) : [];
}
