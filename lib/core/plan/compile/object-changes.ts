/**
 * What a statement does to the objects of a database, as far as its text tells. Written for checks that must not cry
 * wolf: of what cannot be told (a function that is called, dynamic SQL) nothing is said, and what may be gone counts
 * as gone.
 */
import { column, constraint, created, isOwned } from './created-objects.ts';
import { type Named, named, type ObjectChange, type ObjectKind, partOf, relation } from './object-change.ts';
import {
  type AlterTableCmd,
  nameParts,
  type ObjectName,
  type RangeVar,
  type StatementNode,
  type Subject,
} from './parse-tree.ts';

export function objectChanges(node: StatementNode): ObjectChange[] {
  return [...created(node), ...altered(node), ...dropped(node), ...renamed(node), ...unclear(node)];
}

function altered({ AlterTableStmt, AlterSeqStmt }: StatementNode): ObjectChange[] {
  if (AlterSeqStmt && isOwned(AlterSeqStmt))
    return [{ kind: 'dropped', object: relation(AlterSeqStmt.sequence), cascade: false }];
  if (!AlterTableStmt || AlterTableStmt.objtype === 'OBJECT_TYPE') return [];
  return AlterTableStmt.cmds.flatMap(({ AlterTableCmd }) =>
    alteredTable(AlterTableStmt.relation, AlterTableCmd),
  );
}

function alteredTable(table: RangeVar, { subtype, name = '', def, behavior }: AlterTableCmd): ObjectChange[] {
  const cascade = behavior === 'DROP_CASCADE';
  switch (subtype) {
    case 'AT_AddColumn':
      return def?.ColumnDef ? column(table, def.ColumnDef) : [];
    case 'AT_AddConstraint':
      return def?.Constraint ? constraint(table, def.Constraint) : [];
    case 'AT_DropColumn':
      return [{ kind: 'dropped', object: partOf(table, 'column', name), cascade }];
    case 'AT_DropConstraint':
      return [{ kind: 'dropped', object: partOf(table, 'constraint', name), cascade }];
    case 'AT_AttachPartition': {
      const partition = def?.PartitionCmd?.name;
      return partition ? [{ kind: 'dropped', object: relation(partition), cascade: false }] : [];
    }
    default:
      return [];
  }
}

/** By PostgreSQL's names of kinds. */
const KINDS: Readonly<Record<string, ObjectKind>> = {
  OBJECT_TABLE: 'relation',
  OBJECT_INDEX: 'relation',
  OBJECT_SEQUENCE: 'relation',
  OBJECT_VIEW: 'relation',
  OBJECT_MATVIEW: 'relation',
  OBJECT_FOREIGN_TABLE: 'relation',
  OBJECT_TYPE: 'type',
  OBJECT_DOMAIN: 'type',
  OBJECT_FUNCTION: 'function',
  OBJECT_PROCEDURE: 'function',
  OBJECT_ROUTINE: 'function',
  OBJECT_AGGREGATE: 'function',
  OBJECT_SCHEMA: 'schema',
  OBJECT_EXTENSION: 'extension',
  OBJECT_TRIGGER: 'trigger',
  OBJECT_COLUMN: 'column',
  OBJECT_TABCONSTRAINT: 'constraint',
};

function dropped({ DropStmt }: StatementNode): ObjectChange[] {
  const kind = KINDS[DropStmt?.removeType ?? ''];
  if (!DropStmt || !kind) return [];
  const cascade = DropStmt.behavior === 'DROP_CASCADE';
  return DropStmt.objects.map((object) => ({ kind: 'dropped', object: droppedName(kind, object), cascade }));
}

function droppedName(kind: ObjectKind, object: ObjectName): Named {
  const parts = nameParts(object);
  if (kind !== 'trigger') return named(kind, parts);
  const [name = '', table, schema] = parts.reverse();
  return { kind, schema, table, name };
}

function renamed({ RenameStmt, AlterObjectSchemaStmt }: StatementNode): ObjectChange[] {
  if (RenameStmt) {
    const object = subjectOf(RenameStmt, KINDS[RenameStmt.renameType]);
    return object ? [{ kind: 'renamed', object, to: RenameStmt.newname }] : [];
  }
  if (!AlterObjectSchemaStmt) return [];
  const object = subjectOf(AlterObjectSchemaStmt, KINDS[AlterObjectSchemaStmt.objectType]);
  return object ? [{ kind: 'moved', object, schema: AlterObjectSchemaStmt.newschema }] : [];
}

function subjectOf(
  { relation: on, object, subname }: Subject,
  kind: ObjectKind | undefined,
): Named | undefined {
  if (!kind) return undefined;
  if (on) return kind === 'relation' ? relation(on) : partOf(on, kind, subname ?? '');
  return named(kind, object ? nameParts(object) : [subname ?? '']);
}

function unclear({ DoStmt, DropOwnedStmt, VariableSetStmt, SelectStmt }: StatementNode): ObjectChange[] {
  if (DropOwnedStmt) return [{ kind: 'unclear', names: undefined }];
  if (DoStmt) {
    const body = DoStmt.args.map(({ DefElem }) => DefElem.arg?.String?.sval ?? '').join(' ');
    return /\b(?:drop|rename|alter)\b/i.test(body) ? [{ kind: 'unclear', names: wordsOf(body) }] : [];
  }
  if (VariableSetStmt?.name === 'search_path')
    return [searchPath((VariableSetStmt.args ?? []).flatMap((arg) => arg.A_Const?.sval?.sval ?? []))];
  const call = SelectStmt?.targetList?.[0]?.ResTarget?.val?.FuncCall;
  if (call?.funcname.at(-1)?.String?.sval !== 'set_config') return [];
  const [setting, value] = (call.args ?? []).map((arg) => arg.A_Const?.sval?.sval);
  return setting === 'search_path' ? [searchPath((value ?? '').split(',').map((s) => s.trim()))] : [];
}

const searchPath = (path: readonly string[]): ObjectChange => ({
  kind: 'search-path',
  path: path.filter((schema) => schema !== '' && schema !== '$user' && schema !== '"$user"'),
});

const wordsOf = (text: string): Set<string> =>
  new Set([...(text.match(/[\p{L}_][\p{L}\p{N}_]*/gu) ?? [])].flatMap((word) => [word, word.toLowerCase()]));
