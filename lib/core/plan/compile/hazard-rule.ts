import type { Hazard } from '../bundle.ts';
import { type AlterTableCmd, type ColumnDef, relationName, type StatementNode } from './parse-tree.ts';

export interface Finding {
  /** The name of what is affected, for the message. */
  readonly subject: string;
  /** Byte offset where to look; the statement's start if absent. */
  readonly at?: number | undefined;
}

export interface HazardRule {
  /** Stable; shown with the hazard. */
  readonly id: string;
  readonly class: Hazard['class'];
  find(node: StatementNode): readonly Finding[];
  message(subject: string): string;
  readonly advice: string;
  /** SQL that the rule is silent about, and SQL that it reports once: documentation, and the rule's tests. */
  readonly good: string;
  readonly bad: string;
}

export interface TableChange extends AlterTableCmd {
  readonly table: string;
  readonly column: ColumnDef | undefined;
}

/** The parts of an ALTER TABLE (or ALTER MATERIALIZED VIEW) that have one of the subtypes. */
export function tableChanges({ AlterTableStmt }: StatementNode, ...subtypes: string[]): TableChange[] {
  if (!AlterTableStmt || !['OBJECT_TABLE', 'OBJECT_MATVIEW'].includes(AlterTableStmt.objtype)) return [];
  const table = relationName(AlterTableStmt.relation);
  return AlterTableStmt.cmds
    .map(({ AlterTableCmd }) => AlterTableCmd)
    .filter((change) => subtypes.includes(change.subtype))
    .map((change) => ({ ...change, table, column: change.def?.ColumnDef }));
}
