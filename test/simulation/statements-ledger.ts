/** Messages about the ledger: its tables, entries and journal. */
import type { Backend, Row } from './backend.ts';
import type { JournalRow } from './database.ts';
import { ledgerOf, lockRow, valuesIn } from './rows.ts';
import { serverError } from './server-error.ts';
import type { Known } from './statements.ts';

async function insertEntry(backend: Backend, list: string): Promise<readonly Row[]> {
  const { database, variant } = backend.server;
  const [revision, ordinal, kind, , slug, phase, sha256, normalizedSha256, runId, token] = valuesIn(list);
  const key = `entry ${revision}/${ordinal}`;
  if (variant.ledgerKey === 'none') backend.open.rows.add(key);
  else await lockRow(backend, key);
  const isThere = database.entries.some((e) => `entry ${e.revision}/${e.ordinal}` === key);
  if (isThere && variant.ledgerKey !== 'none')
    throw serverError('23505', 'duplicate key value violates entry_pkey');
  backend.open.writes.push(() => {
    database.entries.push({
      id: database.entries.length + 1,
      revision: revision!,
      ordinal: ordinal!,
      kind: kind!,
      slug: slug!,
      phase: phase!,
      sha256: sha256!,
      normalizedSha256: normalizedSha256!,
      runId: runId!,
      token: Number(token),
    });
  });
  return [];
}

async function insertJournal(backend: Backend, list: string): Promise<readonly Row[]> {
  const { database } = backend.server;
  const [revision, ordinal, step, , , sha256, postcondition, before, migration] = valuesIn(list);
  const key = `journal ${revision}/${ordinal}/${step}`;
  await lockRow(backend, key);
  if (database.journalRow(revision!, ordinal!, step!))
    throw serverError('23505', 'duplicate key: journal_pkey');
  const row: JournalRow = {
    revision: revision!,
    ordinal: ordinal!,
    step: step!,
    state: 'started',
    sha256: sha256!,
    postcondition: postcondition ?? null,
    before: before ?? null,
    migration: migration!,
  };
  backend.open.writes.push(() => database.journal.push(row));
  return [];
}

/** Its row has to be one of this transaction. */
function leaveStep(backend: Backend, [revision, ordinal, step]: readonly string[]): readonly Row[] {
  const { database, variant } = backend.server;
  const key = step === 'NULL' ? `entry ${revision}/${ordinal}` : `journal ${revision}/${ordinal}/${step}`;
  const isOwn = backend.open.rows.has(key);
  if (!isOwn && variant.transactionCheck !== 'none')
    throw serverError('LS002', 'not the one that it began in');
  if (step !== 'NULL') {
    backend.open.writes.push(() => {
      const row = database.journalRow(revision!, ordinal!, step!);
      if (row) row.state = 'done';
    });
  }
  return [];
}

function readState(backend: Backend): readonly Row[] {
  const { current, journal, entries } = ledgerOf(backend);
  const column = (value: (entry: (typeof current)[number]) => string | number) =>
    current.length === 0 ? null : current.map(value).join(',');
  const open = journal.filter(
    (j) => !entries.some((e) => e.revision === j.revision && e.ordinal === j.ordinal),
  );
  const partial = Object.values(Object.groupBy(open, (j) => j.revision)).map((rows = []) => ({
    revision: rows[0]!.revision,
    migration: rows[0]!.migration,
    ordinal: Number(rows[0]!.ordinal),
    direction: 'up',
    stepsDone: rows.filter(({ state }) => state === 'done').map(({ step }) => Number(step)),
    stepStarted: rows.find(({ state }) => state === 'started')?.step ?? null,
  }));
  return [
    {
      revision: column((e) => e.revision),
      slug: column((e) => e.slug),
      phase: column((e) => e.phase),
      kind: column((e) => e.kind),
      ordinal: column((e) => e.ordinal),
      sha256: column((e) => e.sha256),
      normalizedSha256: column((e) => e.normalizedSha256),
      reversible: column(() => 'false'),
      runId: JSON.stringify(current.map((e) => e.runId)),
      entryId: column((e) => e.id),
      appliedEntryId: column((e) => e.id),
      partial: JSON.stringify(partial),
      repeatables: '[]',
      last: entries.length === 0 ? null : String(entries.length),
      layout: '1',
    },
  ];
}

function readJournal(backend: Backend, [revision, ordinal]: readonly string[]): readonly Row[] {
  const rows = ledgerOf(backend).journal.filter((j) => j.revision === revision && j.ordinal === ordinal);
  const steps = rows.map(({ step, state, sha256, postcondition, before }) => ({
    step: Number(step),
    state,
    sha256,
    postcondition: postcondition === null ? null : JSON.parse(postcondition),
    before: before === null ? null : JSON.parse(before),
    cursor: null,
    keys: 0,
    batchSize: null,
  }));
  return [{ steps: JSON.stringify(steps) }];
}

const JOURNAL_ROW = String.raw`revision = '(\d+)' AND ordinal = (\d+) AND step = (\d+)`;

export const LEDGER: readonly Known[] = [
  [
    /^INSERT INTO lockstep\.entry \(.*\)\s+VALUES \((.*)$/s,
    (backend, [list = '']) => insertEntry(backend, list),
  ],
  [/^SELECT current\.\*,/, readState],
  [/^PREPARE lockstep_ledger AS SELECT current\.\*,/, readState],
  [/^EXECUTE lockstep_ledger$/, readState],
  [
    /^SELECT layout FROM lockstep\.meta$/,
    (backend) => {
      ledgerOf(backend);
      return [{ layout: '1' }];
    },
  ],
  [
    /^SELECT pg_catalog\.to_regnamespace.* AS missing, pg_catalog\.pg_backend_pid\(\) = (\d+) AND EXISTS/,
    (backend, [pid]) => {
      const isHeld = backend.locks > 0 || backend.server.variant.lock === 'everybody';
      return [{ missing: 't', held: isHeld && Number(pid) === backend.pid ? 't' : 'f' }];
    },
  ],
  [
    /^CREATE LEDGER$/,
    (backend) => {
      const { database } = backend.server;
      if (database.hasLedger) throw serverError('42P06', 'schema "lockstep" already exists');
      backend.open.writes.push(() => {
        database.hasLedger = true;
      });
      return [];
    },
  ],
  [
    /^INSERT INTO lockstep\.journal \(.*\)\s+VALUES \((.*)$/s,
    (backend, [list = '']) => insertJournal(backend, list),
  ],
  [/^SELECT lockstep\.leave_step\('(\d+)', (\d+), (\d+|NULL),/, leaveStep],
  [
    new RegExp(`^UPDATE lockstep\\.journal SET xid = .* WHERE ${JOURNAL_ROW}$`),
    (backend, [revision = '', ordinal = '', step = '']) => {
      const isThere = ledgerOf(backend).journalRow(revision, ordinal, step) !== undefined;
      if (isThere) backend.open.rows.add(`journal ${revision}/${ordinal}/${step}`);
      return [];
    },
  ],
  [
    new RegExp(`^DELETE FROM lockstep\\.journal WHERE ${JOURNAL_ROW}$`),
    (backend, [revision = '', ordinal = '', step = '']) => {
      const database = ledgerOf(backend);
      const row = database.journalRow(revision, ordinal, step);
      backend.open.writes.push(() => {
        database.journal = database.journal.filter((other) => other !== row);
      });
      return [];
    },
  ],
  [/AS steps FROM .*WHERE j\.revision = '(\d+)' AND j\.ordinal = (\d+)/s, readJournal],
];
