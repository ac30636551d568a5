/**
 * Who holds what somebody else wants: pg_locks and pg_stat_activity, as blockers.
 *
 * Each look is one message and one short transaction. Of other roles' sessions the server shows no more than pid and
 * role, unless the login is a member of pg_read_all_stats. The text of a query stays in the server: no more than its
 * first word leaves it.
 */
import {
  type Blocker,
  commandOf,
  conflictsOf,
  kindOf,
  LOCK_MODES,
  type RelationLock,
  type SessionTraits,
  serverName,
} from '../../core/locks/index.ts';
import type { Session } from './session.ts';
import { AS_LOGIN, identifier, literal } from './sql.ts';

/** A relation that is there, as the migration's own names find it. */
export interface LockedRelation {
  readonly oid: string;
  /** schema.name, quoted where needed. */
  readonly name: string;
}

export interface Look {
  readonly relations: readonly LockedRelation[];
  readonly blockers: readonly Blocker[];
}

const milliseconds = (since: string): string =>
  `pg_catalog.round(1000 * EXTRACT(epoch FROM pg_catalog.clock_timestamp() - ${since}))::pg_catalog.int8`;

/** Of a row `b` with pid and transaction; pid is null for a prepared transaction. */
export const BLOCKER = `COALESCE(a.leader_pid, b.pid) AS pid, b.transaction, a.application_name AS "applicationName",
  a.usename AS "user", a.state, a.backend_type AS "backendType",
  pg_catalog.substring(a.query, '^\\s*([A-Za-z]{1,12})\\M') AS word,
  COALESCE(a.query LIKE 'autovacuum: %to prevent wraparound)', false) AS "preventsWraparound",
  ${milliseconds('a.xact_start')} AS "transactionAgeMs", ${milliseconds('a.state_change')} AS "queryAgeMs"`;

interface BlockerRow extends SessionTraits {
  readonly transaction: string | null;
  readonly user: string | null;
  readonly state: string | null;
  readonly word: string | null;
  readonly transactionAgeMs: number | null;
  readonly queryAgeMs: number | null;
}

const blockerOf = (row: BlockerRow): Blocker => ({
  pid: row.pid,
  transaction: row.transaction ?? '',
  kind: kindOf(row),
  applicationName: row.applicationName ?? '',
  user: row.user ?? '',
  state: row.state ?? 'unknown',
  command: commandOf(row.word),
  transactionAgeMs: row.transactionAgeMs,
  queryAgeMs: row.queryAgeMs,
});

export const blockersIn = (json: string | null | undefined): Blocker[] =>
  json ? (JSON.parse(json) as BlockerRow[]).map(blockerOf) : [];

const array = (texts: readonly string[]): string => `ARRAY[${texts.map(literal).join(', ')}]`;

/**
 * Who holds what is in the way of these locks now. Partitions and children count with their parent, the table of an
 * index with the index. Throws LS3xx.
 */
export async function lookAtLocks(session: Session, locks: readonly RelationLock[]): Promise<Look> {
  const paths = locks.map(({ schema, relation }) =>
    [...(schema === undefined ? [] : [schema]), relation].map(identifier).join('.'),
  );
  const oids = paths.map((path) => `pg_catalog.to_regclass(${literal(path)})::pg_catalog.oid`);
  const wanted = locks.map(
    ({ mode }, n) => `(${n + 1}, ${array(conflictsOf(mode).map(serverName))}::pg_catalog.text[])`,
  );
  // Found by the migration's search_path; everything after that is ours again.
  const [row] = await session.query(`
    SELECT pg_catalog.set_config('search_path', ${literal(session.facts.searchPath)}, true);
    SELECT pg_catalog.set_config('lockstep.relations', pg_catalog.array_to_string(ARRAY[${oids.join(', ')}], ',', '0'), true);
    SELECT pg_catalog.set_config('search_path', 'pg_catalog', true);
    ${AS_LOGIN};
    WITH RECURSIVE named AS (
      SELECT o.oid::pg_catalog.oid AS oid, w.conflicts
      FROM pg_catalog.string_to_array(pg_catalog.current_setting('lockstep.relations'), ',') s(oids)
        CROSS JOIN LATERAL ROWS FROM (pg_catalog.unnest(s.oids)) WITH ORDINALITY o(oid, n)
        JOIN (VALUES ${wanted.join(', ')}) w(n, conflicts) ON w.n = o.n
      WHERE o.oid <> '0'
    ), locked(oid, conflicts) AS (
      SELECT oid, conflicts FROM named
      UNION SELECT i.inhrelid, l.conflicts FROM locked l JOIN pg_catalog.pg_inherits i ON i.inhparent = l.oid
    ), with_tables AS (
      SELECT oid, conflicts FROM locked
      UNION SELECT x.indrelid, l.conflicts FROM locked l JOIN pg_catalog.pg_index x ON x.indexrelid = l.oid
    ), b AS (
      SELECT DISTINCT l.pid, l.virtualtransaction AS transaction
      FROM with_tables t JOIN pg_catalog.pg_locks l ON l.locktype = 'relation' AND l.relation = t.oid AND l.granted
      WHERE l.mode = ANY (t.conflicts) AND l.pid IS DISTINCT FROM pg_catalog.pg_backend_pid()
        AND l.database IN (0, (SELECT d.oid FROM pg_catalog.pg_database d WHERE d.datname = pg_catalog.current_database()))
    ), seen AS (
      SELECT DISTINCT ON (COALESCE(a.leader_pid, b.pid), CASE WHEN b.pid IS NULL THEN b.transaction END) ${BLOCKER}
      FROM b LEFT JOIN pg_catalog.pg_stat_activity a ON a.pid = b.pid
      ORDER BY 1
    )
    SELECT (SELECT pg_catalog.json_agg(pg_catalog.json_build_object('oid', n.oid::pg_catalog.text,
        'name', pg_catalog.format('%I.%I', s.nspname, c.relname))) FROM named n
        JOIN pg_catalog.pg_class c ON c.oid = n.oid JOIN pg_catalog.pg_namespace s ON s.oid = c.relnamespace) AS relations,
      (SELECT pg_catalog.json_agg(s ORDER BY s."transactionAgeMs" DESC NULLS LAST) FROM seen s) AS blockers`);
  return {
    relations: row?.relations ? (JSON.parse(row.relations) as LockedRelation[]) : [],
    blockers: blockersIn(row?.blockers),
  };
}

/** What stands between one session and others at this moment. */
export interface Standoff {
  /** Those that it waits for. */
  readonly blockedBy: readonly Blocker[];
  /** Those that wait for it, or queue behind it: how many (50 means that or more), and the longest wait of one. */
  readonly blocks: { readonly sessions: number; readonly longestMs: number };
}

/** More are not looked at: for each one the server has to stop and compare all locks. */
const MOST_WAITERS = 50;

/** Of the session with this pid. Throws LS3xx. */
export async function lookAtSession(session: Session, pid: number): Promise<Standoff> {
  const [row] = await session.query(`${AS_LOGIN};
    WITH b AS (
      SELECT DISTINCT NULLIF(p.pid, 0) AS pid, '' AS transaction
      FROM ROWS FROM (pg_catalog.unnest(pg_catalog.pg_blocking_pids(${pid}))) p(pid)
    ), seen AS (
      SELECT ${BLOCKER} FROM b LEFT JOIN pg_catalog.pg_stat_activity a ON a.pid = b.pid
    ), waiting AS (
      SELECT l.pid, pg_catalog.min(l.waitstart) AS since FROM pg_catalog.pg_locks l
      WHERE NOT l.granted AND l.pid <> ${pid} AND l.locktype <> 'advisory' GROUP BY l.pid LIMIT ${MOST_WAITERS}
    )
    SELECT (SELECT pg_catalog.json_agg(s) FROM seen s) AS blocked_by,
      (SELECT pg_catalog.json_build_object('sessions', pg_catalog.count(*),
          'longestMs', COALESCE(pg_catalog.max(${milliseconds('w.since')}), 0))
        FROM waiting w WHERE ${pid} = ANY (pg_catalog.pg_blocking_pids(w.pid))) AS blocks`);
  return {
    blockedBy: blockersIn(row?.blocked_by),
    blocks: JSON.parse(row?.blocks ?? '{"sessions":0,"longestMs":0}') as Standoff['blocks'],
  };
}

/** Those that hold more than a reader's lock on the fence, so that nobody can claim it. Throws LS3xx. */
export async function lookAtFence(session: Session): Promise<readonly Blocker[]> {
  const modes = LOCK_MODES.slice(1).map(serverName);
  const [row] = await session.query(`${AS_LOGIN};
    WITH b AS (
      SELECT DISTINCT l.pid, l.virtualtransaction AS transaction FROM pg_catalog.pg_locks l
      WHERE l.locktype = 'relation' AND l.relation = pg_catalog.to_regclass('lockstep.fence') AND l.granted
        AND l.mode = ANY (${array(modes)}) AND l.pid IS DISTINCT FROM pg_catalog.pg_backend_pid()
    ), seen AS (
      SELECT ${BLOCKER} FROM b LEFT JOIN pg_catalog.pg_stat_activity a ON a.pid = b.pid
    )
    SELECT (SELECT pg_catalog.json_agg(s) FROM seen s) AS blockers`);
  return blockersIn(row?.blockers);
}
