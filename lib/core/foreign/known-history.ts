/**
 * Which tool a history table is of, from its name and columns: `schema_migrations` alone has four owners. Looked up in
 * the sources of the tools; a table of the same name with other columns is nobody's.
 */
export type ForeignTool =
  | 'Alembic'
  | 'dbmate'
  | 'Django'
  | 'Drizzle'
  | 'Ecto'
  | 'Flyway'
  | 'golang-migrate'
  | 'goose'
  | 'Knex'
  | 'Kysely'
  | 'Liquibase'
  | 'node-pg-migrate'
  | 'Prisma'
  | 'Rails';

interface Known {
  readonly tool: ForeignTool;
  readonly table: string;
  readonly columns: readonly string[];
  /** A table that is in the same schema then. */
  readonly beside?: string;
}

/** The first that fits. */
const KNOWN: readonly Known[] = [
  { tool: 'Alembic', table: 'alembic_version', columns: ['version_num'] },
  { tool: 'golang-migrate', table: 'schema_migrations', columns: ['version', 'dirty'] },
  { tool: 'Ecto', table: 'schema_migrations', columns: ['version', 'inserted_at'] },
  { tool: 'Rails', table: 'schema_migrations', columns: ['version'], beside: 'ar_internal_metadata' },
  { tool: 'dbmate', table: 'schema_migrations', columns: ['version'] },
  { tool: 'Flyway', table: 'flyway_schema_history', columns: ['installed_rank', 'script', 'success'] },
  {
    tool: 'Prisma',
    table: '_prisma_migrations',
    columns: ['migration_name', 'finished_at', 'rolled_back_at'],
  },
  { tool: 'goose', table: 'goose_db_version', columns: ['version_id', 'is_applied'] },
  { tool: 'Knex', table: 'knex_migrations', columns: ['name', 'batch'] },
  { tool: 'node-pg-migrate', table: 'pgmigrations', columns: ['name', 'run_on'] },
  { tool: 'Kysely', table: 'kysely_migration', columns: ['name', 'timestamp'] },
  { tool: 'Liquibase', table: 'databasechangelog', columns: ['id', 'author', 'filename', 'orderexecuted'] },
  { tool: 'Drizzle', table: '__drizzle_migrations', columns: ['hash', 'created_at'] },
  { tool: 'Django', table: 'django_migrations', columns: ['app', 'name', 'applied'] },
];

/** Names of tables that are worth a look. */
export const HISTORY_TABLES: readonly string[] = [
  ...new Set(KNOWN.flatMap(({ table, beside }) => (beside === undefined ? [table] : [table, beside]))),
];

export interface FoundTable {
  readonly schema: string;
  readonly name: string;
  readonly columns: readonly string[];
}

export interface KnownTable {
  readonly schema: string;
  readonly name: string;
  readonly tool: ForeignTool;
}

/** Those that are a history, with whose it is. */
export function knownTables(found: readonly FoundTable[]): KnownTable[] {
  return found.flatMap(({ schema, name, columns }) => {
    const known = KNOWN.find(
      (k) =>
        k.table === name &&
        k.columns.every((column) => columns.includes(column)) &&
        (k.beside === undefined || found.some((f) => f.schema === schema && f.name === k.beside)),
    );
    return known ? [{ schema, name, tool: known.tool }] : [];
  });
}
