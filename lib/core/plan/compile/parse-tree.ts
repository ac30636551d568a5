/**
 * The parts of PostgreSQL's raw parse tree that are looked at here, in libpg_query's JSON form: one object per
 * node with its tag as only key; a field that is false, 0 or empty is absent.
 */
export interface RangeVar {
  readonly schemaname?: string;
  readonly relname: string;
  /** `t` for a temporary one. */
  readonly relpersistence?: string;
}

export interface StringNode {
  readonly String?: { readonly sval?: string };
}

/** A name in the forms that DROP has for the different kinds of objects. */
export interface ObjectName extends StringNode {
  readonly List?: { readonly items: readonly ObjectName[] };
  readonly TypeName?: TypeName;
  readonly ObjectWithArgs?: { readonly objname: readonly StringNode[] };
}

export interface TypeName {
  readonly names?: readonly StringNode[];
}

export interface DefElem {
  readonly DefElem: {
    readonly defname: string;
    readonly arg?: StringNode & { readonly Integer?: { readonly ival?: number } };
  };
}

export interface Constraint {
  readonly contype: string;
  readonly conname?: string;
  /** Of an index that becomes this constraint. */
  readonly indexname?: string;
  /** Of a foreign key: the table that it refers to. */
  readonly pktable?: RangeVar;
  readonly raw_expr?: unknown;
  /** `s` for STORED, `v` for VIRTUAL. */
  readonly generated_kind?: string;
}

export interface ColumnDef {
  readonly colname?: string;
  readonly typeName?: TypeName;
  readonly constraints?: readonly { readonly Constraint: Constraint }[];
  readonly location?: number;
}

/** Of CREATE TABLE, and what ALTER TABLE adds. */
export interface TableElement {
  readonly ColumnDef?: ColumnDef;
  readonly Constraint?: Constraint;
}

export interface AlterTableCmd {
  readonly subtype: string;
  readonly name?: string;
  readonly def?: TableElement & {
    readonly PartitionCmd?: { readonly name: RangeVar; readonly concurrent?: boolean };
    readonly List?: { readonly items: readonly { readonly DefElem?: { readonly defname: string } }[] };
  };
  readonly behavior?: string;
}

interface CommonTableExpr {
  readonly CommonTableExpr?: { readonly ctequery?: StatementNode };
}

interface WithClause {
  readonly withClause?: { readonly ctes?: readonly CommonTableExpr[] };
}

interface Tagged {
  readonly RangeVar: RangeVar;
}

/** CREATE TABLE, also of a foreign one. */
interface TableDefinition {
  readonly relation: RangeVar;
  readonly tableElts?: readonly TableElement[];
  readonly inhRelations?: readonly Tagged[];
  /** Of a partition. */
  readonly partbound?: unknown;
  readonly if_not_exists?: boolean;
}

interface IntoClause {
  readonly rel: RangeVar;
}

interface SequenceDefinition {
  readonly sequence: RangeVar;
  readonly if_not_exists?: boolean;
  readonly options?: readonly DefElem[];
}

/** What is renamed or moved: a relation or a part of one, or another object. */
export interface Subject {
  readonly relation?: RangeVar;
  readonly object?: ObjectName;
  readonly subname?: string;
}

interface Constant {
  readonly A_Const?: { readonly sval?: { readonly sval?: string } };
}

interface Statements {
  AlterDatabaseStmt: { readonly options?: readonly DefElem[] };
  /** ADD VALUE, or RENAME VALUE if there is an old one. */
  AlterEnumStmt: { readonly oldVal?: string; readonly newVal?: string };
  AlterObjectSchemaStmt: Subject & { readonly objectType: string; readonly newschema: string };
  AlterPolicyStmt: { readonly table: RangeVar };
  AlterSeqStmt: SequenceDefinition;
  AlterSubscriptionStmt: { readonly kind: string; readonly options?: readonly DefElem[] };
  AlterSystemStmt: object;
  AlterTableMoveAllStmt: { readonly orig_tablespacename: string; readonly objtype: string };
  AlterTableStmt: {
    readonly relation: RangeVar;
    readonly cmds: readonly { readonly AlterTableCmd: AlterTableCmd }[];
    readonly objtype: string;
  };
  ClusterStmt: { readonly relation?: RangeVar };
  CompositeTypeStmt: { readonly typevar: RangeVar };
  CopyStmt: { readonly filename?: string; readonly is_from?: boolean };
  CreateDomainStmt: { readonly domainname: readonly StringNode[] };
  CreateEnumStmt: { readonly typeName: readonly StringNode[] };
  CreateExtensionStmt: { readonly extname: string };
  CreateForeignTableStmt: { readonly base: TableDefinition };
  CreateFunctionStmt: { readonly funcname: readonly StringNode[]; readonly is_procedure?: boolean };
  CreatePolicyStmt: { readonly table: RangeVar };
  CreateRangeStmt: { readonly typeName: readonly StringNode[] };
  CreateSchemaStmt: { readonly schemaname?: string };
  CreateSeqStmt: SequenceDefinition;
  CreateStmt: TableDefinition;
  CreateSubscriptionStmt: { readonly options?: readonly DefElem[] };
  CreateTableAsStmt: {
    readonly into: IntoClause;
    readonly objtype: string;
    readonly if_not_exists?: boolean;
  };
  CreateTableSpaceStmt: { readonly tablespacename: string };
  CreateTrigStmt: {
    readonly trigname: string;
    readonly relation: RangeVar;
    readonly constrrel?: RangeVar;
  };
  CreatedbStmt: { readonly dbname: string };
  DeleteStmt: WithClause & {
    readonly relation: RangeVar;
    readonly whereClause?: unknown;
    readonly usingClause?: unknown;
  };
  DiscardStmt: { readonly target: string };
  DoStmt: { readonly args: readonly DefElem[] };
  DropOwnedStmt: { readonly roles: readonly { readonly RoleSpec: { readonly rolename?: string } }[] };
  DropStmt: {
    readonly objects: readonly ObjectName[];
    readonly removeType: string;
    readonly behavior?: string;
    readonly concurrent?: boolean;
  };
  DropSubscriptionStmt: object;
  DropTableSpaceStmt: { readonly tablespacename: string };
  DropdbStmt: { readonly dbname: string };
  IndexStmt: { readonly idxname?: string; readonly relation: RangeVar; readonly concurrent?: boolean };
  InsertStmt: WithClause;
  ListenStmt: object;
  /** The mode is the number of a lock mode, from 1. */
  LockStmt: { readonly relations: readonly Tagged[]; readonly mode: number };
  MergeStmt: WithClause;
  RefreshMatViewStmt: { readonly relation: RangeVar; readonly concurrent?: boolean };
  ReindexStmt: {
    readonly kind: string;
    readonly params?: readonly DefElem[];
    /** An index or a table. */
    readonly relation?: RangeVar;
    /** Of a schema, or a database. */
    readonly name?: string;
  };
  RenameStmt: Subject & { readonly renameType: string; readonly newname: string };
  RuleStmt: { readonly relation: RangeVar };
  SelectStmt: WithClause & {
    readonly intoClause?: IntoClause;
    readonly targetList?: readonly {
      readonly ResTarget?: {
        readonly val?: {
          readonly FuncCall?: {
            readonly funcname: readonly StringNode[];
            readonly args?: readonly Constant[];
          };
        };
      };
    }[];
  };
  TransactionStmt: { readonly kind: string };
  TruncateStmt: {
    readonly relations: readonly Tagged[];
    readonly behavior?: string;
  };
  UnlistenStmt: object;
  UpdateStmt: WithClause;
  VacuumStmt: {
    readonly options?: readonly DefElem[];
    readonly rels?: readonly { readonly VacuumRelation: { readonly relation?: RangeVar } }[];
    readonly is_vacuumcmd?: boolean;
  };
  VariableSetStmt: { readonly kind: string; readonly name?: string; readonly args?: readonly Constant[] };
  ViewStmt: { readonly view: RangeVar; readonly replace?: boolean };
}

/** A statement: exactly one of these keys, or one that nothing here asks for. */
export type StatementNode = { readonly [Tag in keyof Statements]?: Statements[Tag] };

export const relationName = (relation: RangeVar): string =>
  relation.schemaname === undefined ? relation.relname : `${relation.schemaname}.${relation.relname}`;

export function nameParts(name: ObjectName): string[] {
  const parts: readonly StringNode[] = name.List?.items ??
    name.TypeName?.names ??
    name.ObjectWithArgs?.objname ?? [name];
  return parts.flatMap((part) => part.String?.sval ?? []);
}

/** The value of a boolean option as PostgreSQL reads it: named without a value, it is on; `undefined` if absent. */
export function optionOf(options: readonly DefElem[] | undefined, name: string): boolean | undefined {
  const option = options?.findLast((o) => o.DefElem.defname === name)?.DefElem;
  if (!option?.arg) return option && true;
  if (option.arg.Integer) return (option.arg.Integer.ival ?? 0) !== 0;
  return !['false', 'off'].includes(option.arg.String?.sval?.toLowerCase() ?? '');
}

/** Every node with this tag, however deep: deeper than the stack, if need be. In no particular order. */
export function* taggedNodes<Node>(tree: unknown, tag: string): Generator<Node> {
  const open: unknown[] = [tree];
  while (open.length > 0) {
    const node = open.pop();
    if (typeof node !== 'object' || node === null) continue;
    const tagged = (node as Readonly<Record<string, unknown>>)[tag];
    if (tagged !== undefined) yield tagged as Node;
    open.push(...Object.values(node));
  }
}
