/** The objects that a statement creates. Partitions are left out, because they come and go with the data. */
import { create, named, type ObjectChange, partOf, relation, texts } from './object-change.ts';
import type { ColumnDef, Constraint, RangeVar, StatementNode } from './parse-tree.ts';

const isTemporary = ({ relpersistence }: RangeVar): boolean => relpersistence === 't';

export function created(node: StatementNode): ObjectChange[] {
  const { CreateStmt, CreateForeignTableStmt, CreateTableAsStmt, SelectStmt, ViewStmt, CreateSeqStmt } = node;
  if (CreateStmt) return createdTable(CreateStmt);
  if (CreateForeignTableStmt) return createdTable(CreateForeignTableStmt.base);
  const into = CreateTableAsStmt?.into ?? SelectStmt?.intoClause;
  if (into) {
    const word = CreateTableAsStmt?.objtype === 'OBJECT_MATVIEW' ? 'materialized view' : 'table';
    return isTemporary(into.rel) ? [] : [create(relation(into.rel), word)];
  }
  if (ViewStmt) return isTemporary(ViewStmt.view) ? [] : [create(relation(ViewStmt.view), 'view')];
  // One that belongs to a column goes with it.
  if (CreateSeqStmt && !isOwned(CreateSeqStmt) && !isTemporary(CreateSeqStmt.sequence))
    return [create(relation(CreateSeqStmt.sequence), 'sequence')];
  return [...createdOnTable(node), ...createdType(node), ...createdElse(node)];
}

function createdTable({
  relation: table,
  tableElts = [],
  partbound,
}: NonNullable<StatementNode['CreateStmt']>): ObjectChange[] {
  if (partbound || isTemporary(table)) return [];
  const parts = tableElts.flatMap(({ ColumnDef, Constraint }) => [
    ...(ColumnDef ? column(table, ColumnDef) : []),
    ...(Constraint ? constraint(table, Constraint) : []),
  ]);
  return [create(relation(table), 'table'), ...parts];
}

export function column(table: RangeVar, definition: ColumnDef): ObjectChange[] {
  const { colname, constraints = [] } = definition;
  if (colname === undefined) return [];
  const own = constraints.flatMap((c) => constraint(table, c.Constraint, colname));
  return [create(partOf(table, 'column', colname), 'column'), ...own];
}

/** One without a name gets one from PostgreSQL. */
export function constraint(table: RangeVar, definition: Constraint, ofColumn?: string): ObjectChange[] {
  const { conname, indexname } = definition;
  if (conname === undefined || !STORED.has(definition.contype)) return [];
  const made = create(partOf(table, 'constraint', conname), 'constraint', [definition, { sval: ofColumn }]);
  if (indexname === undefined) return [made];
  // The index gets the constraint's name.
  const index = { kind: 'relation', schema: table.schemaname, table: undefined, name: indexname } as const;
  return [{ kind: 'dropped', object: index, cascade: false }, made];
}

/** In the catalogs of every PostgreSQL; NOT NULL is from 18 on. */
const STORED = new Set(
  ['CHECK', 'EXCLUSION', 'FOREIGN', 'PRIMARY', 'UNIQUE'].map((kind) => `CONSTR_${kind}`),
);

function createdOnTable({ IndexStmt, CreateTrigStmt }: StatementNode): ObjectChange[] {
  if (IndexStmt?.idxname !== undefined)
    return [create(partOf(IndexStmt.relation, 'relation', IndexStmt.idxname), 'index', IndexStmt)];
  if (CreateTrigStmt)
    return [
      create(partOf(CreateTrigStmt.relation, 'trigger', CreateTrigStmt.trigname), 'trigger', CreateTrigStmt),
    ];
  return [];
}

function createdType(node: StatementNode): ObjectChange[] {
  if (node.CompositeTypeStmt) {
    const { schemaname: schema, relname: name } = node.CompositeTypeStmt.typevar;
    return [create({ kind: 'type', schema, table: undefined, name }, 'type')];
  }
  const name = node.CreateEnumStmt?.typeName ?? node.CreateRangeStmt?.typeName;
  if (name) return [create(named('type', texts(name)), 'type')];
  return node.CreateDomainStmt
    ? [create(named('type', texts(node.CreateDomainStmt.domainname)), 'domain')]
    : [];
}

function createdElse({
  CreateFunctionStmt,
  CreateSchemaStmt,
  CreateExtensionStmt,
}: StatementNode): ObjectChange[] {
  if (CreateFunctionStmt) {
    const word = CreateFunctionStmt.is_procedure ? 'procedure' : 'function';
    return [create(named('function', texts(CreateFunctionStmt.funcname)), word)];
  }
  if (CreateExtensionStmt) return [create(named('extension', [CreateExtensionStmt.extname]), 'extension')];
  return CreateSchemaStmt?.schemaname === undefined
    ? []
    : [create(named('schema', [CreateSchemaStmt.schemaname]), 'schema')];
}

export const isOwned = ({ options = [] }: NonNullable<StatementNode['AlterSeqStmt']>): boolean =>
  options.some(({ DefElem }) => DefElem.defname === 'owned_by');
