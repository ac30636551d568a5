/** What writes a table anew: nobody can read or write the table meanwhile, and it takes its size in disk once more. */
import { type HazardRule, type TableChange, tableChanges } from './hazard-rule.ts';
import {
  type ColumnDef,
  nameParts,
  optionOf,
  relationName,
  type StringNode,
  taggedNodes,
} from './parse-tree.ts';

/**
 * Functions of PostgreSQL and its usual extensions that give another value for each row. now() and the like are
 * not among them: they are the same for a whole transaction and are stored once, in the catalog. Functions of
 * the user's own cannot be told from their name.
 */
const VOLATILE = new Set([
  ...['random', 'random_normal', 'gen_random_uuid', 'uuidv4', 'uuidv7', 'gen_random_bytes', 'gen_salt'],
  ...['uuid_generate_v1', 'uuid_generate_v1mc', 'uuid_generate_v4'],
  ...['clock_timestamp', 'timeofday', 'nextval', 'currval', 'lastval', 'setval'],
]);
const SERIAL = new Set(['smallserial', 'serial', 'bigserial', 'serial2', 'serial4', 'serial8']);

const FILL_ADVICE =
  'Add the column without it, set the default for new rows in a second statement, and fill the old rows in a backfill.';
const QUIET_ADVICE =
  'Run it while nobody uses the table, with a lock-timeout, or rebuild the table beside the old one.';

const columnOf = (c: TableChange) => ({
  subject: `${c.table}.${c.column?.colname ?? c.name}`,
  at: c.column?.location,
});

const change = (
  rule: Pick<HazardRule, 'id' | 'message' | 'good' | 'bad'> & { subtypes: string[]; advice?: string },
): HazardRule => ({
  advice: QUIET_ADVICE,
  ...rule,
  class: 'rewrites-table',
  find: (node) => tableChanges(node, ...rule.subtypes).map((c) => ({ subject: c.table })),
});

export const rewriteRules: readonly HazardRule[] = [
  {
    id: 'alter-column-type',
    class: 'rewrites-table',
    find: (node) => tableChanges(node, 'AT_AlterColumnType', 'AT_SetExpression').map(columnOf),
    message: (subject) =>
      `A new type or expression for ${subject} writes the table and its indexes anew, unless the stored values stay as they are.`,
    advice:
      'Add a column of the new type, fill it in a backfill, switch over, and drop the old one in a contract migration.',
    good: 'ALTER TABLE users ALTER COLUMN age SET DEFAULT 0',
    bad: 'ALTER TABLE users ALTER COLUMN id TYPE bigint',
  },
  {
    id: 'add-column-volatile-default',
    class: 'rewrites-table',
    find: (node) =>
      tableChanges(node, 'AT_AddColumn')
        .filter((c) =>
          constraintsOf(c.column).some((k) => k.contype === 'CONSTR_DEFAULT' && callsVolatile(k.raw_expr)),
        )
        .map(columnOf),
    message: (subject) => `The default of ${subject} differs from row to row: the table is written anew.`,
    advice: FILL_ADVICE,
    good: 'ALTER TABLE users ADD COLUMN created_at timestamptz NOT NULL DEFAULT now()',
    bad: 'ALTER TABLE users ADD COLUMN token uuid NOT NULL DEFAULT gen_random_uuid()',
  },
  {
    id: 'add-column-sequence',
    class: 'rewrites-table',
    find: (node) =>
      tableChanges(node, 'AT_AddColumn')
        .filter(
          ({ column }) =>
            isSerial(column) || constraintsOf(column).some((k) => k.contype === 'CONSTR_IDENTITY'),
        )
        .map(columnOf),
    message: (subject) => `Every row gets its own number in ${subject}: the table is written anew.`,
    advice: FILL_ADVICE,
    good: 'ALTER TABLE users ADD COLUMN seq bigint',
    bad: 'ALTER TABLE users ADD COLUMN seq bigint GENERATED ALWAYS AS IDENTITY',
  },
  {
    id: 'add-column-stored',
    class: 'rewrites-table',
    find: (node) =>
      tableChanges(node, 'AT_AddColumn')
        .filter(({ column }) => constraintsOf(column).some((k) => k.generated_kind === 's'))
        .map(columnOf),
    message: (subject) => `${subject} is computed and stored for every row: the table is written anew.`,
    advice:
      'Use a plain column that a trigger fills, and a backfill; from PostgreSQL 18 on, a virtual column costs nothing.',
    good: 'ALTER TABLE users ADD COLUMN name_lower text',
    bad: 'ALTER TABLE users ADD COLUMN name_lower text GENERATED ALWAYS AS (lower(name)) STORED',
  },
  change({
    id: 'set-logged',
    subtypes: ['AT_SetLogged', 'AT_SetUnLogged'],
    message: (subject) => `SET LOGGED or UNLOGGED writes ${subject} and its indexes anew.`,
    good: 'ALTER TABLE events SET (fillfactor = 90)',
    bad: 'ALTER TABLE events SET LOGGED',
  }),
  change({
    id: 'set-access-method',
    subtypes: ['AT_SetAccessMethod'],
    message: (subject) => `SET ACCESS METHOD writes ${subject} anew.`,
    good: 'ALTER TABLE events SET (autovacuum_enabled = true)',
    bad: 'ALTER TABLE events SET ACCESS METHOD heap',
  }),
  change({
    id: 'set-tablespace',
    subtypes: ['AT_SetTableSpace'],
    message: (subject) => `SET TABLESPACE copies ${subject} to another place.`,
    good: 'ALTER TABLE events SET SCHEMA archive',
    bad: 'ALTER TABLE events SET TABLESPACE slow',
  }),
  {
    id: 'move-all-tables',
    class: 'rewrites-table',
    find: ({ AlterTableMoveAllStmt: move }) =>
      move && move.objtype !== 'OBJECT_INDEX' ? [{ subject: move.orig_tablespacename }] : [],
    message: (subject) => `Every table in the tablespace ${subject} is copied to another place.`,
    advice: QUIET_ADVICE,
    good: 'ALTER INDEX ALL IN TABLESPACE fast SET TABLESPACE slow',
    bad: 'ALTER TABLE ALL IN TABLESPACE fast SET TABLESPACE slow',
  },
  {
    id: 'vacuum-full',
    class: 'rewrites-table',
    find: ({ VacuumStmt }) => {
      if (!VacuumStmt || !optionOf(VacuumStmt.options, 'full')) return [];
      const tables = VacuumStmt.rels?.flatMap((r) => r.VacuumRelation.relation ?? []).map(relationName);
      return [{ subject: tables?.join(', ') ?? 'every table' }];
    },
    message: (subject) => `VACUUM FULL writes ${subject} anew.`,
    advice: 'Use VACUUM without FULL, or an extension that repacks tables in use.',
    good: 'VACUUM (FULL false, ANALYZE) events',
    bad: 'VACUUM FULL events',
  },
  {
    id: 'cluster',
    class: 'rewrites-table',
    find: ({ ClusterStmt }) =>
      ClusterStmt
        ? [{ subject: ClusterStmt.relation ? relationName(ClusterStmt.relation) : 'every clustered table' }]
        : [],
    message: (subject) => `CLUSTER writes ${subject} anew.`,
    advice: QUIET_ADVICE,
    good: 'ALTER TABLE events CLUSTER ON events_by_date',
    bad: 'CLUSTER events USING events_by_date',
  },
];

const constraintsOf = (column: ColumnDef | undefined) => column?.constraints?.map((c) => c.Constraint) ?? [];

const isSerial = (column: ColumnDef | undefined): boolean => {
  const [name = '', schema] = nameParts({ TypeName: column?.typeName ?? {} }).reverse();
  return schema === undefined && SERIAL.has(name);
};

/** Walks without recursion: an expression may be nested deeper than the stack is. */
function callsVolatile(expression: unknown): boolean {
  for (const { funcname } of taggedNodes<{ readonly funcname: readonly StringNode[] }>(
    expression,
    'FuncCall',
  )) {
    if (VOLATILE.has(funcname.at(-1)?.String?.sval ?? '')) return true;
  }
  return false;
}
