import type { AlterTableCmd, RangeVar, StatementNode, TableElement } from '../plan/compile/parse-tree.ts';
import type { RelationLock, StrongMode } from './lock-mode.ts';

type AlterTable = NonNullable<StatementNode['AlterTableStmt']>;

/** Those that take SHARE UPDATE EXCLUSIVE, which keeps nobody from reading or writing. Any other one is strong. */
const WEAK = new Set([
  ...['AT_SetStatistics', 'AT_SetOptions', 'AT_ResetOptions', 'AT_ClusterOn', 'AT_DropCluster'],
  ...['AT_ValidateConstraint', 'AT_AttachPartition', 'AT_DetachPartitionFinalize'],
]);

/** Storage parameters with that lock: lockmode in src/backend/access/common/reloptions.c. */
const WEAK_OPTION =
  /^(autovacuum_.*|log_autovacuum_.*|vacuum_.*|fillfactor|toast_tuple_target|parallel_workers|deduplicate_items)$/;

/** Every command of one ALTER TABLE runs under the strongest lock that one of them needs. */
export function alterTableLocks({ relation, cmds }: AlterTable): RelationLock[] {
  return cmds.flatMap(({ AlterTableCmd: command }) => {
    const mode = modeOf(command);
    return [
      ...(mode ? [relationLock(relation, mode)] : []),
      ...referencedTables(command.def ? [command.def] : []).map((table) =>
        relationLock(table, 'SHARE ROW EXCLUSIVE'),
      ),
      ...partitionLocks(command),
    ];
  });
}

const relationLock = ({ schemaname, relname }: RangeVar, mode: StrongMode): RelationLock => ({
  ...(schemaname === undefined ? {} : { schema: schemaname }),
  relation: relname,
  mode,
});

function modeOf({ subtype, def }: AlterTableCmd): StrongMode | undefined {
  if (WEAK.has(subtype)) return undefined;
  if (/^AT_(Enable|Disable)\w*Trig/.test(subtype)) return 'SHARE ROW EXCLUSIVE';
  if (subtype === 'AT_AddConstraint' && def?.Constraint?.contype === 'CONSTR_FOREIGN')
    return 'SHARE ROW EXCLUSIVE';
  if (subtype === 'AT_DetachPartition' && def?.PartitionCmd?.concurrent) return undefined;
  if (subtype === 'AT_SetRelOptions' || subtype === 'AT_ResetRelOptions') {
    const options = def?.List?.items ?? [];
    if (options.every(({ DefElem }) => WEAK_OPTION.test(DefElem?.defname ?? ''))) return undefined;
  }
  return 'ACCESS EXCLUSIVE';
}

/** The partition itself is locked whole, whatever its parent is. */
function partitionLocks({ subtype, def }: AlterTableCmd): RelationLock[] {
  const partition = def?.PartitionCmd;
  if (!partition?.name || partition.concurrent || subtype === 'AT_DetachPartitionFinalize') return [];
  return [relationLock(partition.name, 'ACCESS EXCLUSIVE')];
}

/** By foreign keys of columns and of the table. */
export function referencedTables(elements: readonly TableElement[] = []): RangeVar[] {
  return elements.flatMap(({ ColumnDef, Constraint }) => {
    const constraints = [
      ...(ColumnDef?.constraints ?? []).map((c) => c.Constraint),
      ...(Constraint ? [Constraint] : []),
    ];
    return constraints.flatMap(({ pktable }) => pktable ?? []);
  });
}
