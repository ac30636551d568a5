/**
 * What the history tables of other migrators hold, in whichever schema they are. For people only: nothing is written,
 * nothing is waited for for long, and what cannot be read is not known.
 */
import {
  type ForeignHistory,
  type ForeignTool,
  HISTORY_TABLES,
  knownTables,
} from '../../core/foreign/index.ts';
import type { Session } from './session.ts';
import { identifier, literal } from './sql.ts';

/** A database with a schema for each tenant may have thousands, which a run should not read twice. */
const MOST_TABLES = 50;
const LIMITS = `SELECT pg_catalog.set_config('lock_timeout', '2s', true), pg_catalog.set_config('statement_timeout', '10s', true)`;

/** Of a row `t`, as the tool names it; with what is the matter with it, if it was not simply applied. */
const IDS: Record<ForeignTool, string> = {
  Alembic: 't.version_num',
  dbmate: 't.version',
  Django: `t.app || '.' || t.name`,
  // 0.x has no name.
  Drizzle: `COALESCE(pg_catalog.to_jsonb(t)->>'name', t.created_at::text)`,
  Ecto: 't.version::text',
  Flyway: `t.script || CASE WHEN t.success THEN '' ELSE ' (failed)' END`,
  'golang-migrate': `t.version::text || CASE WHEN t.dirty THEN ' (dirty)' ELSE '' END`,
  goose: `t.version_id::text || CASE WHEN t.is_applied THEN '' ELSE ' (down)' END`,
  Knex: 't.name',
  Kysely: 't.name',
  Liquibase: `t.filename || '::' || t.id || '::' || t.author`,
  'node-pg-migrate': 't.name',
  Prisma: `t.migration_name || CASE WHEN t.rolled_back_at IS NOT NULL THEN ' (rolled back)'
    WHEN t.finished_at IS NULL THEN ' (failed)' ELSE '' END`,
  Rails: 't.version',
};

const FOUND = `SELECT pg_catalog.json_build_object('schema', n.nspname, 'name', c.relname, 'columns',
    (SELECT pg_catalog.json_agg(a.attname) FROM pg_catalog.pg_attribute a
     WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped)) AS found
  FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  WHERE c.relkind IN ('r', 'p') AND c.relname IN (${HISTORY_TABLES.map(literal).join(', ')})
    AND pg_catalog.has_schema_privilege(n.oid, 'USAGE') AND pg_catalog.has_table_privilege(c.oid, 'SELECT')
  ORDER BY n.nspname, c.relname LIMIT ${MOST_TABLES + 1}`;

/** Undefined when it cannot be read. Throws LS301 when the session is lost. */
export async function readForeignHistories(session: Session): Promise<readonly ForeignHistory[] | undefined> {
  try {
    const found = (await session.query(`${LIMITS}; ${FOUND}`)).map(({ found }) => JSON.parse(found ?? ''));
    if (found.length > MOST_TABLES) return undefined;
    const tables = knownTables(found);
    if (tables.length === 0) return [];
    const reads = tables.map(
      ({ schema, name, tool }, index) =>
        `SELECT ${index} AS at, (${IDS[tool]})::pg_catalog.text AS id FROM ${identifier(schema)}.${identifier(name)} t`,
    );
    const rows = await session.query(`${LIMITS}; ${reads.join(' UNION ALL ')}`);
    return tables.map(({ schema, name, tool }, index) => ({
      tool,
      table: `${schema}.${name}`,
      ids: rows.filter(({ at }) => Number(at) === index).map(({ id }) => id ?? ''),
    }));
  } catch (error) {
    if (session.isLost) throw error;
    return undefined;
  }
}
