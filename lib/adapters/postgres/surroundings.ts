/** What the server grants to the login, and what else is true of it. All of it may be read with no more than CONNECT. */
import { LOGIN_SETTINGS, type Rights, type Surroundings } from '../../core/diagnosis/index.ts';
import { ledgerGrant, schemaGrant } from './denied.ts';
import type { Session } from './session.ts';
import { literal } from './sql.ts';

/** Throws LS3xx. */
export async function readRights(session: Session): Promise<Rights> {
  const [row] = await session.query(
    `SELECT pg_catalog.has_database_privilege(pg_catalog.current_database(), 'CREATE') AS may_create,
       pg_catalog.pg_has_role(session_user, 'pg_signal_backend', 'USAGE') AS may_signal,
       CASE WHEN n.oid IS NULL THEN 'missing'
         WHEN NOT pg_catalog.has_schema_privilege(n.oid, 'USAGE') THEN 'closed'
         WHEN pg_catalog.pg_has_role(COALESCE(t.owner, n.nspowner), 'USAGE') THEN 'own'
         WHEN t.hidden THEN 'closed' ELSE 'readable' END AS schema
     FROM (SELECT 1) one LEFT JOIN pg_catalog.pg_namespace n ON n.nspname = 'lockstep'
     LEFT JOIN LATERAL (SELECT pg_catalog.min(c.relowner::pg_catalog.int8)::pg_catalog.oid AS owner,
         pg_catalog.bool_or(NOT pg_catalog.has_table_privilege(c.oid, 'SELECT')) AS hidden
       FROM pg_catalog.pg_class c WHERE c.relnamespace = n.oid AND c.relkind IN ('r', 'v')) t ON true`,
  );
  const schema = (row?.schema ?? 'closed') as Rights['schema'];
  return {
    schema,
    mayCreateSchema: row?.may_create === 't',
    maySignal: row?.may_signal === 't',
    grants: {
      schema: schemaGrant(session.facts, schema === 'missing'),
      ledger: ledgerGrant(session.facts),
    },
  };
}

/** The server's clock, in milliseconds since 1970. Throws LS3xx. */
export async function readClockMs(session: Session): Promise<number> {
  const [row] = await session.query(
    'SELECT 1000 * EXTRACT(epoch FROM pg_catalog.clock_timestamp()) AS now_ms',
  );
  return Number(row?.now_ms);
}

/** What RESET would give: set for the login, the database, the server, or in the URL. Throws LS3xx. */
export async function readLoginSettings(session: Session): Promise<Surroundings['settings']> {
  const names = LOGIN_SETTINGS.map(literal).join(', ');
  const rows = await session.query(
    `SELECT s.name, CASE WHEN s.unit = 'ms' AND s.reset_val <> '0' THEN s.reset_val || ' ms' ELSE s.reset_val END AS value
     FROM pg_catalog.pg_settings s WHERE s.name IN (${names})`,
  );
  const found = new Map(rows.map(({ name, value }) => [name, value ?? null]));
  const settings = LOGIN_SETTINGS.map((name) => [name, found.get(name) ?? null] as const);
  return Object.fromEntries(settings) as Surroundings['settings'];
}

/** Of the whole server; those that are kept for superusers are not counted. Throws LS3xx. */
export async function readConnections(session: Session): Promise<Surroundings['connections']> {
  const [row] = await session.query(
    `SELECT pg_catalog.current_setting('max_connections')::pg_catalog.int4
         - pg_catalog.current_setting('superuser_reserved_connections')::pg_catalog.int4 AS most,
       (SELECT pg_catalog.sum(d.numbackends) FROM pg_catalog.pg_stat_database d) AS used`,
  );
  return { used: Number(row?.used), most: Number(row?.most) };
}
