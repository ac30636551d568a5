/** What deletes data. */
import { type HazardRule, tableChanges } from './hazard-rule.ts';
import { nameParts, relationName, type StatementNode } from './parse-tree.ts';

const KEEP_ADVICE =
  'Make sure that no running version uses it; put it into a contract migration, and take a restore point before.';

const drop = (id: string, what: string, removeType: string, bad: string, good: string): HazardRule => ({
  id,
  class: 'destructive',
  find: ({ DropStmt }) =>
    DropStmt?.removeType === removeType
      ? DropStmt.objects.map((name) => ({ subject: nameParts(name).join('.') }))
      : [],
  message: (subject) =>
    `DROP ${what} ${subject} is final: a down script brings back the definition, not the data.`,
  advice: KEEP_ADVICE,
  good,
  bad,
});

const isCascade = (behavior: string | undefined): boolean => behavior === 'DROP_CASCADE';

/** A statement and the ones in its WITH clause, which may change data, too. */
function withItsQueries(node: StatementNode): StatementNode[] {
  const clause = node.SelectStmt ?? node.InsertStmt ?? node.UpdateStmt ?? node.DeleteStmt ?? node.MergeStmt;
  const queries = clause?.withClause?.ctes?.flatMap((cte) => cte.CommonTableExpr?.ctequery ?? []) ?? [];
  return [node, ...queries.flatMap(withItsQueries)];
}

export const destructiveRules: readonly HazardRule[] = [
  drop('drop-table', 'TABLE', 'OBJECT_TABLE', 'DROP TABLE app.orders', 'DROP INDEX app.orders_by_date'),
  drop(
    'drop-materialized-view',
    'MATERIALIZED VIEW',
    'OBJECT_MATVIEW',
    'DROP MATERIALIZED VIEW sales',
    'DROP VIEW sales',
  ),
  drop('drop-schema', 'SCHEMA', 'OBJECT_SCHEMA', 'DROP SCHEMA app', 'ALTER SCHEMA app RENAME TO app_old'),
  drop(
    'drop-sequence',
    'SEQUENCE',
    'OBJECT_SEQUENCE',
    'DROP SEQUENCE invoice_no',
    'ALTER SEQUENCE invoice_no RESTART',
  ),
  drop('drop-type', 'TYPE', 'OBJECT_TYPE', 'DROP TYPE mood', "ALTER TYPE mood ADD VALUE 'calm'"),
  drop('drop-domain', 'DOMAIN', 'OBJECT_DOMAIN', 'DROP DOMAIN email', 'ALTER DOMAIN email DROP NOT NULL'),
  {
    id: 'drop-column',
    class: 'destructive',
    find: (node) => tableChanges(node, 'AT_DropColumn').map((c) => ({ subject: `${c.table}.${c.name}` })),
    message: (subject) =>
      `DROP COLUMN ${subject} is final: a down script brings back the definition, not the data.`,
    advice: KEEP_ADVICE,
    good: 'ALTER TABLE users ALTER COLUMN nickname DROP NOT NULL',
    bad: 'ALTER TABLE users DROP COLUMN nickname',
  },
  {
    id: 'drop-cascade',
    class: 'destructive',
    find: (node) => [
      ...(isCascade(node.DropStmt?.behavior) ? (node.DropStmt?.objects ?? []) : []).map((name) => ({
        subject: nameParts(name).join('.'),
      })),
      ...tableChanges(node, 'AT_DropColumn', 'AT_DropConstraint')
        .filter((change) => isCascade(change.behavior))
        .map((change) => ({ subject: `${change.table}.${change.name}` })),
    ],
    message: (subject) =>
      `CASCADE also drops everything that depends on ${subject}, whatever it is in that database.`,
    advice: 'Drop the dependent objects by name, so that an unexpected one stops the migration.',
    good: 'DROP VIEW report',
    bad: 'DROP VIEW report CASCADE',
  },
  {
    id: 'drop-owned',
    class: 'destructive',
    find: ({ DropOwnedStmt }) =>
      DropOwnedStmt
        ? [{ subject: DropOwnedStmt.roles.map((r) => r.RoleSpec.rolename ?? 'the current role').join(', ') }]
        : [],
    message: (subject) => `DROP OWNED deletes every object in this database that ${subject} owns.`,
    advice: 'Use REASSIGN OWNED, or drop the objects by name.',
    good: 'REASSIGN OWNED BY old_app TO app',
    bad: 'DROP OWNED BY old_app',
  },
  {
    id: 'drop-database',
    class: 'destructive',
    find: ({ DropdbStmt }) => (DropdbStmt ? [{ subject: DropdbStmt.dbname }] : []),
    message: (subject) => `DROP DATABASE deletes the database ${subject}.`,
    advice: 'Leave that to whoever provisions databases.',
    good: 'ALTER DATABASE reports CONNECTION LIMIT 5',
    bad: 'DROP DATABASE reports',
  },
  {
    id: 'truncate',
    class: 'destructive',
    find: ({ TruncateStmt }) =>
      TruncateStmt?.relations.map(({ RangeVar }) => ({
        subject:
          relationName(RangeVar) +
          (isCascade(TruncateStmt.behavior) ? ' and of every table that refers to it' : ''),
      })) ?? [],
    message: (subject) => `TRUNCATE deletes all rows of ${subject}.`,
    advice: 'Delete by a condition, or take a restore point before.',
    good: "DELETE FROM sessions WHERE expires_at < '2020-01-01'",
    bad: 'TRUNCATE sessions',
  },
  {
    id: 'delete-all',
    class: 'destructive',
    find: (node) =>
      withItsQueries(node).flatMap(({ DeleteStmt }) =>
        DeleteStmt && !DeleteStmt.whereClause && !DeleteStmt.usingClause
          ? [{ subject: relationName(DeleteStmt.relation) }]
          : [],
      ),
    message: (subject) => `DELETE without WHERE deletes all rows of ${subject}.`,
    advice: 'Delete by a condition, or take a restore point before.',
    good: 'DELETE FROM sessions USING users WHERE users.id = sessions.user_id AND users.closed',
    bad: 'WITH gone AS (DELETE FROM sessions RETURNING id) SELECT count(*) FROM gone',
  },
];
