/** Messages about the ledger: fence, entries, journal, runs. */
import type { JournalRow } from './database.ts';
import { type Backend, type Row, serverError } from './server.ts';
import type { Known } from './statements.ts';

const undefinedTable = () => serverError('42P01', 'relation "lockstep.fence" does not exist');

function ledgerOf(backend: Backend) {
  const { database } = backend.server;
  if (!database.hasLedger) throw undefinedTable();
  return database;
}

/** The literals of a VALUES list. */
const valuesIn = (list: string): (string | null)[] =>
  [...list.matchAll(/'((?:[^']|'')*)'|NULL/g)].map(([, text]) => text?.replaceAll("''", "'") ?? null);

/** Whoever locks the row waits for who has it. */
async function lockFence(backend: Backend): Promise<void> {
  await lockRow(backend, 'fence', backend.open.lockTimeoutMs);
}

async function lockRow(backend: Backend, row: string, limitMs?: number): Promise<void> {
  const { backends } = backend.server;
  const isFree = () => ![...backends].some((other) => other !== backend && other.transaction?.rows.has(row));
  await backend.take(isFree, () => backend.open.rows.add(row), limitMs);
}

async function checkFence(backend: Backend, token: string): Promise<readonly Row[]> {
  const database = ledgerOf(backend);
  const { fence: isOpen, lock } = backend.server.variant;
  if (isOpen !== 'open') {
    await lockFence(backend);
    if (database.fence.token !== Number(token)) throw serverError('LS001', 'a newer attempt has claimed');
  }
  if (backend.locks === 0 && lock !== 'everybody') throw serverError('LS004', 'it gave up the advisory lock');
  return [];
}

async function claim(backend: Backend, [asked, holder = '', leaseMs, pid, start = '']: readonly string[]) {
  const database = ledgerOf(backend);
  await lockFence(backend);
  const { fence } = database;
  const token = Number(asked);
  const isMine = fence.pid === Number(pid) && fence.backendStart === start;
  const isLetIn =
    fence.token < token || (fence.token === token && (isMine || backend.server.variant.claim === 'as high'));
  if (isLetIn) {
    backend.open.writes.push(() =>
      setFence(backend, { token, holder, leaseMs: Number(leaseMs), pid, start }),
    );
  }
  backend.open.rows.add(isLetIn ? 'claimed' : 'not claimed');
  return [];
}

function setFence(
  { server }: Backend,
  next: { token: number; holder: string; leaseMs: number; pid: string | undefined; start: string },
): void {
  const { database } = server;
  if (next.token < database.fence.token) server.violates('I8', { fence: database.fence.token, next });
  const { token, holder, leaseMs, pid, start } = next;
  database.fence = { token, holder, leaseMs, pid: Number(pid), backendStart: start };
}

/** `WHERE` of PostgreSQL's lease store: this session holds the lease for this holder and token. */
function holdsLease(backend: Backend, [pid, start, holder, token]: readonly string[]): boolean {
  const { fence } = ledgerOf(backend);
  const isNewest = token === undefined || fence.token === Number(token);
  const isMine = fence.pid === Number(pid) && fence.backendStart === start && fence.holder === holder;
  return isMine && isNewest && backend.locks > 0;
}

const LEASE_HELD = String.raw`pid = (\d+) AND backend_start = '(\d+)' AND holder = '([^']*)' AND (?:true|token = (\d+))`;

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

function endUnfinished(backend: Backend, [error = '', which]: readonly string[]): readonly Row[] {
  const { runs } = ledgerOf(backend);
  const nowMs = backend.server.time.nowMs();
  backend.open.writes.push(() => {
    for (const run of runs) {
      if (run.finishedMs !== null || run.runId === which) continue;
      Object.assign(run, { verdict: 'failed', error, finishedMs: nowMs });
    }
  });
  return [];
}

function startRun(backend: Backend, list: string): readonly Row[] {
  const { runs } = ledgerOf(backend);
  const [runId, , token, digest] = valuesIn(list);
  backend.open.writes.push(() => {
    const again = { token: Number(token), verdict: 'running', finishedMs: null };
    const known = runs.find((run) => run.runId === runId);
    if (known) Object.assign(known, again);
    else runs.push({ runId: runId!, digest: digest!, error: null, failedMigration: null, ...again });
  });
  return [];
}

function finishRun(backend: Backend, parts: readonly string[]): readonly Row[] {
  const { runs } = ledgerOf(backend);
  const [verdict, error, failedMigration, runId, token] = parts;
  const finishedMs = backend.server.time.nowMs();
  backend.open.writes.push(() => {
    const run = runs.find((r) => r.runId === runId && r.token <= Number(token));
    if (run)
      Object.assign(run, {
        verdict,
        error: error ?? null,
        failedMigration: failedMigration ?? null,
        finishedMs,
      });
  });
  return [];
}

function readEndedRun(backend: Backend, [digest, but, sinceMs]: readonly string[]): readonly Row[] {
  const found = ledgerOf(backend)
    .runs.filter((r) => r.digest === digest && r.runId !== but && (r.finishedMs ?? -1) >= Number(sinceMs))
    .toSorted((a, b) => b.finishedMs! - a.finishedMs!)[0];
  return found ? [{ run_id: found.runId, error: found.error, failed_migration: found.failedMigration }] : [];
}

const TEXT = "'((?:[^']|'')*)'";
const nullOr = (text: string) => `(?:NULL|COALESCE\\((?:NULL|${text}), r\\.\\w+\\))`;
const JOURNAL_ROW = String.raw`revision = '(\d+)' AND ordinal = (\d+) AND step = (\d+)`;

export const LEDGER: readonly Known[] = [
  [/^SELECT lockstep\.check_fence\((\d+)\)$/, (backend, [token = '']) => checkFence(backend, token)],
  [/^SELECT current\.\*,/, readState],
  [
    /^SELECT token, pid, backend_start, holder, lease_ms FROM lockstep\.fence$/,
    (backend) => {
      const { token, pid, backendStart, holder, leaseMs } = ledgerOf(backend).fence;
      return [
        {
          token: String(token),
          pid: pid === 0 ? null : String(pid),
          backend_start: backendStart,
          holder,
          lease_ms: String(leaseMs),
        },
      ];
    },
  ],
  [
    /^SELECT layout FROM lockstep\.meta$/,
    (backend) => {
      ledgerOf(backend);
      return [{ layout: '1' }];
    },
  ],
  [/^SELECT pg_catalog\.to_regnamespace/, () => [{ missing: 't' }]],
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
    /^UPDATE lockstep\.fence SET token = (\d+), holder = '([^']*)', lease_ms = (\d+),\s+claimed_at = .*, pid = (\d+), backend_start = '(\d+)'/,
    claim,
  ],
  [
    /^SELECT token = \d+ AND .* AS claimed FROM lockstep\.fence$/,
    (backend) => [{ claimed: backend.open.rows.has('claimed') ? 't' : 'f' }],
  ],
  [
    /^UPDATE lockstep\.fence SET pid = (\d+), backend_start = '(\d+)',\s+holder = '([^']*)', lease_ms = (\d+)$/,
    async (backend, [pid, start = '', holder = '', leaseMs]) => {
      const database = ledgerOf(backend);
      await lockFence(backend);
      backend.open.writes.push(() =>
        setFence(backend, { token: database.fence.token, holder, leaseMs: Number(leaseMs), pid, start }),
      );
      return [];
    },
  ],
  [
    new RegExp(
      String.raw`^UPDATE lockstep\.fence SET token = GREATEST\(token, (\d+)\) \+ 1, .*WHERE ${LEASE_HELD}`,
      's',
    ),
    async (backend, [floor, ...held]) => {
      await lockFence(backend);
      if (!holdsLease(backend, held)) return [];
      const { fence } = backend.server.database;
      const token = Math.max(fence.token, Number(floor)) + 1;
      backend.open.writes.push(() => {
        fence.token = token;
      });
      return [{ token: String(token) }];
    },
  ],
  [
    new RegExp(String.raw`^SELECT token FROM lockstep\.fence WHERE ${LEASE_HELD}`),
    (backend, held) =>
      holdsLease(backend, held) ? [{ token: String(backend.server.database.fence.token) }] : [],
  ],
  [
    /^INSERT INTO lockstep\.entry \(.*\)\s+VALUES \((.*)$/s,
    (backend, [list = '']) => insertEntry(backend, list),
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
  [
    /^SELECT pg_catalog\.row_to_json\(x\) AS run .*WHERE r\.run_id = '([^']*)'/s,
    (backend, [runId]) => {
      const run = ledgerOf(backend).runs.find((r) => r.runId === runId);
      return run ? [{ run: JSON.stringify({ verdict: run.verdict }) }] : [];
    },
  ],
  [
    new RegExp(
      `^UPDATE lockstep\\.run r SET verdict = 'failed', error = ${TEXT}.*r\\.run_id <> ${TEXT}$`,
      's',
    ),
    endUnfinished,
  ],
  [
    /^INSERT INTO lockstep\.run \(.*\)\s+VALUES \((.*), 'running'\)/s,
    (backend, [list = '']) => startRun(backend, list),
  ],
  [
    new RegExp(
      `^UPDATE lockstep\\.run r\\s+SET verdict = '(\\w+)', error = ${nullOr(TEXT)},\\s+failed_migration = ${nullOr(TEXT)}, .*WHERE r\\.run_id = '([^']*)' AND r\\.token <= (\\d+)$`,
      's',
    ),
    finishRun,
  ],
  [
    /^SELECT r\.run_id, r\.error, r\.failed_migration .*bundle_digest = '(\w+)' AND r\.run_id <> '([^']*)'\s+AND r\.finished_at >= pg_catalog\.to_timestamp\((\d+)/s,
    readEndedRun,
  ],
];
