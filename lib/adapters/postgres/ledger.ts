/** Reading the ledger. Its rows about migrations are written in run-step.ts and run-alone.ts, those about runs in runs.ts. */
import type { Postcondition } from '../../core/plan/index.ts';
import {
  type CurrentEntry,
  type CurrentRepeatable,
  EMPTY_LEDGER,
  type LedgerState,
  type PartialRevision,
} from '../../core/plan/ledger-state.ts';
import type { DownScript } from './change.ts';
import type { Before } from './effect.ts';
import { refuseNewerLayout } from './ledger-layout.ts';
import { HELD_LOCKS, type HeldLock } from './lock-record.ts';
import { CURRENT_REPEATABLES } from './repeatables.ts';
import type { Row, Session } from './session.ts';
import { setLocal } from './session-settings.ts';
import { isoTime, literal } from './sql.ts';

/** Of an entry, as planning sees it. */
const ENTRY: Readonly<Record<keyof CurrentEntry, string>> = {
  revision: 'e.written_as',
  slug: 'e.slug',
  phase: 'e.phase',
  kind: 'e.kind',
  ordinal: 'e.ordinal',
  sha256: 'e.sha256',
  normalizedSha256: 'e.normalized_sha256',
  reversible: 'e.down IS NOT NULL',
  runId: 'e.run_id',
  entryId: 'e.id::text',
  appliedEntryId: `CASE e.kind WHEN 'repaired' THEN (SELECT pg_catalog.max(a.id) FROM lockstep.entry a
    WHERE a.revision = e.revision AND a.kind <> 'repaired') ELSE e.id END::text`,
};

/**
 * Every start reads the whole ledger, so that it is read column by column: PostgreSQL makes one text of a column in a
 * fraction of the time that it needs for an object of each row. A run's name may have any character, the others have no
 * comma.
 */
const COLUMNS = Object.entries(ENTRY).map(([name, value]) =>
  name === 'runId'
    ? `pg_catalog.json_agg(${value}) AS "${name}"`
    : `pg_catalog.string_agg((${value})::text, ',') AS "${name}"`,
);

const STATE = `SELECT current.*,
  (SELECT pg_catalog.json_agg(x) FROM
    (SELECT j.revision::text, pg_catalog.max(j.migration) AS migration, j.ordinal, j.direction,
        COALESCE(pg_catalog.json_agg(j.step ORDER BY j.step) FILTER (WHERE j.state = 'done'), '[]') AS "stepsDone",
        pg_catalog.min(j.step) FILTER (WHERE j.state = 'started') AS "stepStarted"
      FROM lockstep.journal j
      WHERE NOT EXISTS (SELECT FROM lockstep.entry e WHERE e.revision = j.revision AND e.ordinal = j.ordinal)
      GROUP BY j.revision, j.ordinal, j.direction ORDER BY j.revision) x) AS partial,
  (${CURRENT_REPEATABLES}) AS repeatables,
  GREATEST((SELECT pg_catalog.max(e.id) FROM lockstep.entry e), (SELECT pg_catalog.max(r.id) FROM lockstep.repeatable r)) AS last, (SELECT m.layout FROM lockstep.meta m) AS layout
  FROM (SELECT ${COLUMNS.join(', ')} FROM
    (SELECT DISTINCT ON (n.revision) n.* FROM lockstep.entry n ORDER BY n.revision, n.ordinal DESC) e) current`;

/** One statement, so what it gives was true at one time. Throws LS307 for the ledger of a newer Lockstep, LS3xx. */
export async function readLedger(session: Session): Promise<LedgerState> {
  return stateOf(await session.queryLedger(STATE));
}

/**
 * The same, before it is known whose session it is: behind a pooler it may have somebody else's settings, and the names of
 * operators are looked up by them.
 */
export async function readLedgerAhead(session: Session): Promise<LedgerState> {
  return stateOf(await session.queryLedger(`SELECT ${setLocal('search_path', 'pg_catalog')}; ${STATE}`));
}

const KEPT = 'lockstep_ledger';
/** Whether the session has it; false once something went wrong with it. */
const KEEPS = new WeakMap<Session, boolean>();
/** invalid_sql_statement_name: it is not the session that had it, or that has lost it. */
const UNKNOWN_STATEMENT = '26000';

/**
 * The same for who waits, and asks the same again in a session that is used for nothing else meanwhile: to parse and plan the
 * statement takes the server twice as long as to do it, and all who wait ask at the same time.
 */
export async function readLedgerAgain(session: Session): Promise<LedgerState> {
  const keeps = KEEPS.get(session);
  if (!session.isDirect || keeps === false) return readLedger(session);
  KEEPS.set(session, false);
  try {
    const prepare = keeps ? '' : `PREPARE ${KEPT} AS ${STATE}; `;
    const rows = await session.queryLedger(`${prepare}EXECUTE ${KEPT}`);
    KEEPS.set(session, rows !== undefined);
    return stateOf(rows);
  } catch (error) {
    const { cause } = error as { cause?: { code?: unknown } };
    if (cause?.code === UNKNOWN_STATEMENT) return readLedger(session);
    throw error;
  }
}

function stateOf(rows: readonly Row[] | undefined): LedgerState {
  const row = rows?.[0];
  if (!row) return EMPTY_LEDGER;
  refuseNewerLayout(row.layout);
  return {
    current: currentEntries(row),
    repeatables: parseRows<CurrentRepeatable>(row.repeatables),
    partial: parseRows<PartialRevision>(row.partial),
    lastEntryId: row.last ?? '0',
  };
}

function currentEntries(row: Row): CurrentEntry[] {
  // One of them is there for each entry.
  if (row.revision === null) return [];
  const column = (name: keyof CurrentEntry): string[] => row[name]?.split(',') ?? [];
  const [slug, phase, kind, ordinal] = [column('slug'), column('phase'), column('kind'), column('ordinal')];
  const [sha256, normalizedSha256] = [column('sha256'), column('normalizedSha256')];
  const [reversible, runId] = [column('reversible'), parseRows<string>(row.runId)];
  const [entryId, appliedEntryId] = [column('entryId'), column('appliedEntryId')];
  return column('revision').map((revision, i) => ({
    revision,
    slug: slug[i]!,
    phase: phase[i] as CurrentEntry['phase'],
    kind: kind[i] as CurrentEntry['kind'],
    ordinal: Number(ordinal[i]),
    sha256: sha256[i]!,
    normalizedSha256: normalizedSha256[i]!,
    reversible: reversible[i] === 'true',
    runId: runId[i]!,
    entryId: entryId[i]!,
    appliedEntryId: appliedEntryId[i]!,
  }));
}

const parseRows = <T>(json: string | null | undefined): T[] => (json ? (JSON.parse(json) as T[]) : []);

export interface LedgerEntry extends CurrentEntry {
  readonly at: string;
  readonly durationMs: number | null;
  readonly token: number;
  readonly locks: readonly HeldLock[];
}

const ROW = Object.entries(ENTRY)
  .map(([name, value]) => `${value} AS "${name}"`)
  .join(', ');

/** Every entry, oldest first. Throws LS3xx. */
export async function readEntries(session: Session): Promise<readonly LedgerEntry[]> {
  const rows = await session.queryLedger(
    `SELECT pg_catalog.json_agg(x) AS entries FROM (SELECT ${ROW}, ${isoTime('e.at')} AS at,
       e.duration_ms AS "durationMs", e.token, ${HELD_LOCKS} AS locks FROM lockstep.entry e ORDER BY e.id) x`,
  );
  return parseRows(rows?.[0]?.entries);
}

/** The down scripts of these entries, by entry id. Throws LS3xx. */
export async function readDownScripts(
  session: Session,
  entries: readonly CurrentEntry[],
): Promise<ReadonlyMap<string, DownScript>> {
  if (entries.length === 0) return new Map();
  const ids = entries.map((e) => literal(e.entryId)).join(', ');
  const rows = await session.query(
    `SELECT e.id, e.down FROM lockstep.entry e WHERE e.id IN (${ids}) AND e.down IS NOT NULL`,
  );
  return new Map(rows.map((row) => [row.id ?? '', JSON.parse(row.down ?? 'null') as DownScript]));
}

/** A step of a migration that is more than one transaction, as it was begun. */
export interface JournalStep {
  readonly step: number;
  readonly state: 'started' | 'done';
  /** Of the step's text at that time. */
  readonly sha256: string;
  /** Of a step outside a transaction. */
  readonly postcondition: Postcondition | null;
  /** Of a step outside a transaction. */
  readonly before: Before | null;
  /** Of a back-fill: the key up to which it is done, null before the first batch; how many keys that was. */
  readonly cursor: readonly string[] | null;
  readonly keys: number;
  readonly batchSize: number | null;
}

/** In the order of the steps. Throws LS3xx. */
export async function readJournal(
  session: Session,
  { revision, ordinal }: Pick<CurrentEntry, 'revision' | 'ordinal'>,
): Promise<readonly JournalStep[]> {
  const [row] = await session.query(
    `SELECT pg_catalog.json_agg(x) AS steps FROM (SELECT j.step, j.state, j.sha256, j.postcondition, j.before,
       j.cursor, j.keys, j.batch_size AS "batchSize"
     FROM lockstep.journal j WHERE j.revision = ${literal(revision)} AND j.ordinal = ${ordinal} ORDER BY j.step) x`,
  );
  return parseRows(row?.steps);
}
