/**
 * What a rehearsal asks the server: whether a copy is one, what a step locked, rewrote and built, and how long somebody
 * else waits for a lock. All of it over sessions beside the one that migrates, in short transactions, because an index
 * build waits for older snapshots. Nothing is written.
 */
import pg from 'pg';
import { STRONG_MODES, serverName } from '../../core/locks/index.ts';
import type { Step } from '../../core/plan/index.ts';
import type { FoundLock, RelationFile, Who } from '../../core/rehearsal/index.ts';
import { LEDGER_LOCK } from './advisory-lock.ts';
import { type Change, isLastStep, journalRow } from './change.ts';
import { databaseError } from './database-error.ts';
import type { Session } from './session.ts';
import { literal, microseconds } from './sql.ts';

/**
 * Whether both sessions are in one database of one server, whatever the addresses say: one takes an advisory lock that
 * only this call knows, the other one tries to. In a transaction, so that a pooler keeps it. Throws LS3xx.
 * @param chance at least 0, below 1
 */
export async function areInOneDatabase(one: Session, other: Session, chance: number): Promise<boolean> {
  const key = BigInt(LEDGER_LOCK) ^ BigInt(1 + Math.floor(chance * 2 ** 48));
  await one.query(`BEGIN; SELECT pg_catalog.pg_advisory_xact_lock(${key})`);
  try {
    const [row] = await other.query(`SELECT pg_catalog.pg_try_advisory_xact_lock(${key}) AS free`);
    return row?.free !== 't';
  } finally {
    await one.query('ROLLBACK');
  }
}

/**
 * Stands for all that the ledger has of migrations, half-done ones included: equal in a copy and in what it was copied
 * from, until somebody migrates one of them. `none` without any. Throws LS3xx.
 * @param except a run, of which nothing counts
 */
export async function ledgerHead(session: Session, except?: string): Promise<string> {
  const others = (row: string) => (except === undefined ? '' : `WHERE ${row}.run_id <> ${literal(except)}`);
  const at = (column: string) => `(${microseconds(column)})::pg_catalog.text`;
  const rows = await session.queryLedger(
    `SELECT pg_catalog.encode(pg_catalog.sha256(pg_catalog.convert_to(
       pg_catalog.string_agg(x.line, E'\\n' ORDER BY x.line COLLATE "C"), 'UTF8')), 'hex') AS head FROM (
         SELECT pg_catalog.concat_ws(' ', 'e', e.revision, e.ordinal, e.kind, e.sha256, e.run_id, e.token, ${at('e.at')}) AS line FROM lockstep.entry e ${others('e')}
         UNION ALL SELECT pg_catalog.concat_ws(' ', 'r', r.name, r.ordinal, r.sha256, r.run_id, r.token, ${at('r.at')}) FROM lockstep.repeatable r ${others('r')}
         UNION ALL SELECT pg_catalog.concat_ws(' ', 'j', j.revision, j.ordinal, j.step, j.state, j.keys, ${at('j.at')}) FROM lockstep.journal j ${others('j')}
       ) x`,
  );
  return rows?.[0]?.head ?? 'none';
}

const OF_THE_APP = `n.nspname NOT IN ('pg_catalog', 'pg_toast', 'information_schema', 'lockstep') AND c.relpersistence <> 't'`;

/** Every table and index of the app. Waits for those who have a table for themselves. Throws LS3xx. */
export async function readFootprint(session: Session): Promise<readonly RelationFile[]> {
  const [row] = await session.query(
    `SELECT pg_catalog.json_agg(pg_catalog.json_build_object('oid', c.oid::pg_catalog.text, 'name', pg_catalog.format('%I.%I', n.nspname, c.relname),
       'kind', CASE c.relkind WHEN 'r' THEN 'table' WHEN 'p' THEN 'partitioned' WHEN 'i' THEN 'index' WHEN 'I' THEN 'index' ELSE 'other' END,
       'file', pg_catalog.pg_relation_filenode(c.oid)::pg_catalog.text, 'tableOid', i.indrelid::pg_catalog.text,
       'bytes', COALESCE(CASE WHEN c.relkind = 'p'
         THEN (SELECT pg_catalog.sum(pg_catalog.pg_total_relation_size(t.relid)) FROM pg_catalog.pg_partition_tree(c.oid) t)
         ELSE pg_catalog.pg_total_relation_size(c.oid) END, 0)) ORDER BY c.oid) AS relations
     FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
     LEFT JOIN pg_catalog.pg_index i ON i.indexrelid = c.oid
     WHERE c.relkind IN ('r', 'p', 'm', 'v', 'f', 'i', 'I') AND ${OF_THE_APP}`,
  );
  return JSON.parse(row?.relations ?? 'null') ?? [];
}

/** Strong locks that the session with this pid has now, by the relation's oid. Throws LS3xx. */
export async function readStrongLocks(
  session: Session,
  pid: number,
): Promise<readonly { readonly oid: string; readonly mode: FoundLock['mode'] }[]> {
  const modes = STRONG_MODES.map((mode) => `(${literal(serverName(mode))}, ${literal(mode)})`);
  const [row] = await session.query(
    `SELECT pg_catalog.json_agg(pg_catalog.json_build_object('oid', l.relation::pg_catalog.text, 'mode', m.mode)) AS locks
     FROM pg_catalog.pg_locks l JOIN (VALUES ${modes.join(', ')}) m(server, mode) ON m.server = l.mode
     WHERE l.pid = ${pid} AND l.locktype = 'relation' AND l.granted`,
  );
  return JSON.parse(row?.locks ?? 'null') ?? [];
}

/** What the ledger recorded of the strong locks of a step that is done. Throws LS3xx. */
export async function readStepLocks(session: Session, change: Change, step: Step): Promise<FoundLock[]> {
  if (change.kind === 'repeatable') return [];
  const { revision, ordinal } = change;
  const entry = `SELECT e.locks FROM lockstep.entry e WHERE e.revision = ${literal(revision)} AND e.ordinal = ${ordinal}`;
  const journal = `SELECT j.locks FROM lockstep.journal j WHERE ${journalRow(change, step.index)}`;
  const rows = await session.queryLedger(isLastStep(change, step) ? entry : journal);
  return JSON.parse(rows?.[0]?.locks ?? 'null') ?? [];
}

/** Of the files of the database, also those that a transaction under way has made. Throws LS3xx. */
export async function readDatabaseBytes(session: Session): Promise<number> {
  const [row] = await session.query(
    'SELECT pg_catalog.pg_database_size(pg_catalog.current_database()) AS bytes',
  );
  return Number(row?.bytes);
}

/** How far the server's log is, in bytes; null where it does not tell, as Aurora without logical replication. */
export async function readWalBytes(session: Session): Promise<number | null> {
  try {
    const [row] = await session.query(
      "SELECT pg_catalog.pg_wal_lsn_diff(pg_catalog.pg_current_wal_insert_lsn(), '0/0') AS bytes",
    );
    return Number(row?.bytes);
  } catch (error) {
    if (session.isLost) throw error;
    return null;
  }
}

/** What those who read, or write, a table take before anything else. */
const LOCK_OF: Readonly<Record<Who, string>> = { readers: 'ACCESS SHARE', writers: 'ROW EXCLUSIVE' };

const now = microseconds('pg_catalog.clock_timestamp()');

const UNDEFINED_TABLE = '42P01';

/**
 * Takes the lock, gives it back, and tells how long the server kept it waiting, in milliseconds; `gone` when there is no
 * such table any more. One lock at a time, so that it stands in nobody's way for longer than a moment, nor is a part of a
 * deadlock. Throws LS3xx.
 * @param relation schema.name, quoted where needed
 */
export async function probe(session: Session, relation: string, who: Who): Promise<number | 'gone'> {
  try {
    // One message is one transaction, in which a table may be locked.
    const [row] = await session.run(
      `SELECT pg_catalog.set_config('lockstep.probe', (${now})::pg_catalog.text, true);
       LOCK TABLE ONLY ${relation} IN ${LOCK_OF[who]} MODE;
       SELECT (${now} - pg_catalog.current_setting('lockstep.probe')::pg_catalog.int8) / 1000.0 AS waited_ms`,
    );
    return Math.round(Number(row?.waited_ms));
  } catch (error) {
    if (error instanceof pg.DatabaseError && error.code === UNDEFINED_TABLE) return 'gone';
    throw databaseError(error);
  }
}
