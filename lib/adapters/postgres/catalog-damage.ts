/** What is amiss in a database, and what is missing, as the catalogs of its own objects tell. Reads only. */
import type { Damage } from '../../core/plan/findings.ts';
import type { ExpectedObject } from '../../core/plan/objects.ts';
import type { Session } from './session.ts';
import { identifier, literal } from './sql.ts';

const qualified = (schema: string, name: string): string => `pg_catalog.format('%I.%I', ${schema}, ${name})`;
const isOwn = (schema: string): string =>
  `${schema} !~ '^pg_' AND ${schema} NOT IN ('information_schema', 'lockstep')`;

// Made when they are asked for: so a bundle of what never asks does not carry them.

/** Those that somebody is building now are not among them. */
const invalidIndexes =
  (): string => `SELECT 'invalid-index' AS kind, ${qualified('n.nspname', 'c.relname')} AS name,
    ${qualified('tn.nspname', 't.relname')} AS "table", c.relkind = 'I' AS partitioned, false AS domain
  FROM pg_catalog.pg_index i
  JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  JOIN pg_catalog.pg_class t ON t.oid = i.indrelid JOIN pg_catalog.pg_namespace tn ON tn.oid = t.relnamespace
  WHERE NOT (i.indisvalid AND i.indisready AND i.indislive) AND ${isOwn('n.nspname')} AND c.relpersistence <> 't'
    AND NOT EXISTS (SELECT FROM pg_catalog.pg_stat_progress_create_index p WHERE p.index_relid = c.oid)`;

/** NOT ENFORCED (from PostgreSQL 18 on, as is its column) is what somebody asked for. */
const notValidated =
  (): string => `SELECT 'not-validated', pg_catalog.quote_ident(k.conname), ${qualified('n.nspname', 'COALESCE(t.relname, d.typname)')},
    false, k.contypid <> 0
  FROM pg_catalog.pg_constraint k JOIN pg_catalog.pg_namespace n ON n.oid = k.connamespace
  LEFT JOIN pg_catalog.pg_class t ON t.oid = k.conrelid LEFT JOIN pg_catalog.pg_type d ON d.oid = k.contypid
  WHERE NOT k.convalidated AND k.conparentid = 0 AND ${isOwn('n.nspname')}
    AND (pg_catalog.to_jsonb(k)->>'conenforced') IS DISTINCT FROM 'false'`;

const notEnforced =
  (): string => `SELECT DISTINCT 'not-enforced', pg_catalog.quote_ident(k.conname), ${qualified('n.nspname', 't.relname')}, false, false
  FROM pg_catalog.pg_trigger g JOIN pg_catalog.pg_constraint k ON k.oid = g.tgconstraint
  JOIN pg_catalog.pg_class t ON t.oid = g.tgrelid JOIN pg_catalog.pg_namespace n ON n.oid = t.relnamespace
  WHERE g.tgisinternal AND g.tgenabled = 'D' AND k.contype = 'f' AND ${isOwn('n.nspname')}`;

const detachPending =
  (): string => `SELECT 'detach-pending', ${qualified('n.nspname', 'c.relname')}, ${qualified('pn.nspname', 'p.relname')}, false, false
  FROM pg_catalog.pg_inherits i
  JOIN pg_catalog.pg_class c ON c.oid = i.inhrelid JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  JOIN pg_catalog.pg_class p ON p.oid = i.inhparent JOIN pg_catalog.pg_namespace pn ON pn.oid = p.relnamespace
  WHERE i.inhdetachpending AND ${isOwn('n.nspname')}`;

/** In the whole database, whoever made it. Throws LS3xx. */
export async function readDamage(session: Session): Promise<Damage[]> {
  const all = [invalidIndexes(), notValidated(), notEnforced(), detachPending()].join(' UNION ALL ');
  const [row] = await session.query(
    `SELECT pg_catalog.json_agg(x ORDER BY x.kind, x."table", x.name) AS damage FROM (${all}) x`,
  );
  return JSON.parse(row?.damage ?? '[]') ?? [];
}

/** Those that are not there; names without a schema are looked up as the login does. Throws LS3xx. */
export async function readMissing(
  session: Session,
  expected: readonly ExpectedObject[],
): Promise<ExpectedObject[]> {
  if (expected.length === 0) return [];
  const { found, schemas } = await lookUp(session, expected);
  const rows = expected.map(({ kind, schema, table, name }, i) => {
    const [relation, type] = found.get(i) ?? [null, null];
    return { i, kind, schema: schema ?? null, part: table !== undefined, name, relation, type };
  });
  const [row] = await session.query(
    `SELECT pg_catalog.json_agg(x.i ORDER BY x.i) AS missing
     FROM pg_catalog.jsonb_to_recordset(${literal(JSON.stringify(rows))})
       AS x(i int, kind text, schema text, part boolean, name text, relation oid, type oid)
     WHERE NOT COALESCE(CASE x.kind
       WHEN 'type' THEN x.type IS NOT NULL
       WHEN 'schema' THEN EXISTS (SELECT FROM pg_catalog.pg_namespace n WHERE n.nspname = x.name)
       WHEN 'extension' THEN EXISTS (SELECT FROM pg_catalog.pg_extension e WHERE e.extname = x.name)
       WHEN 'function' THEN EXISTS (SELECT FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
         WHERE p.proname = x.name AND CASE WHEN x.schema IS NULL THEN n.nspname = ANY (${schemas}) ELSE n.nspname = x.schema END)
       WHEN 'column' THEN EXISTS (SELECT FROM pg_catalog.pg_attribute a
         WHERE a.attrelid = x.relation AND a.attname = x.name AND NOT a.attisdropped)
       WHEN 'constraint' THEN EXISTS (SELECT FROM pg_catalog.pg_constraint k WHERE k.conrelid = x.relation AND k.conname = x.name)
       WHEN 'trigger' THEN EXISTS (SELECT FROM pg_catalog.pg_trigger g WHERE g.tgrelid = x.relation AND g.tgname = x.name)
       ELSE CASE WHEN x.part THEN EXISTS (SELECT FROM pg_catalog.pg_index i JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid
         WHERE i.indrelid = x.relation AND c.relname = x.name) ELSE x.relation IS NOT NULL END
     END, false)`,
  );
  const missing: number[] = JSON.parse(row?.missing ?? '[]') ?? [];
  return missing.map((i) => expected[i]!);
}

type Oid = string | null;

/** The relation and the type of each name (of its table, for a part of one), and the schemas that are searched. */
async function lookUp(
  session: Session,
  expected: readonly ExpectedObject[],
): Promise<{ readonly found: ReadonlyMap<number, readonly [Oid, Oid]>; readonly schemas: string }> {
  const paths = expected.map(({ schema, table, name }, i) => ({
    i,
    path: [...(schema === undefined ? [] : [schema]), table ?? name].map(identifier).join('.'),
  }));
  // The path holds for this message only, which is one transaction; nothing but qualified names follows it.
  const [row] = await session.query(
    `SELECT pg_catalog.set_config('search_path', ${literal(session.facts.searchPath)}, true);
     SELECT pg_catalog.json_agg(pg_catalog.json_build_array(x.i, pg_catalog.to_regclass(x.path)::pg_catalog.oid,
         pg_catalog.to_regtype(x.path)::pg_catalog.oid)) AS found, pg_catalog.current_schemas(true) AS schemas
     FROM pg_catalog.jsonb_to_recordset(${literal(JSON.stringify(paths))}) AS x(i pg_catalog.int4, path pg_catalog.text)`,
  );
  const rows: [number, Oid, Oid][] = JSON.parse(row?.found ?? '[]');
  return {
    found: new Map(rows.map(([i, relation, type]) => [i, [relation, type]])),
    schemas: `${literal(row?.schemas)}::pg_catalog.name[]`,
  };
}
