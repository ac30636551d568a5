/**
 * The messages of lib/adapters/postgres, each recognised by its text, and what they do in the model. One that is not
 * recognised is an error: whoever changes a message is told here.
 */
import type { Backend, Row } from './backend.ts';
import { BUILDING } from './statements-alone.ts';
import { FENCE } from './statements-fence.ts';
import { LEDGER } from './statements-ledger.ts';
import { RUNS } from './statements-runs.ts';

export type Handler = (
  backend: Backend,
  parts: readonly string[],
) => readonly Row[] | Promise<readonly Row[]>;
export type Known = readonly [begins: RegExp, handler: Handler];

/** A statement ends with a semicolon that is not in a text. */
const STATEMENT = /(?:'(?:[^']|'')*'|[^;'])+/g;
const LEDGER_DDL = /CREATE TABLE lockstep\.meta/;

export function statementsOf(message: string): readonly string[] {
  // Bodies of functions have semicolons of their own; it is one transaction in any case.
  if (LEDGER_DDL.test(message)) return ['BEGIN', 'CREATE LEDGER'];
  return (message.match(STATEMENT) ?? []).map((s) => s.trim()).filter((s) => s !== '');
}

/** What the server would answer for it, as far as the product looks: COMMIT and ROLLBACK. */
export const tagOf = (statement: string): string => /^[A-Z]+/.exec(statement)?.[0] ?? '';

const WITHOUT_EFFECT =
  /^(?:SET (?!application_name)|RESET |CLOSE |DEALLOCATE |DISCARD |SELECT pg_catalog\.set_config\('(?!lock_timeout))/;

export async function execute(backend: Backend, statement: string): Promise<readonly Row[]> {
  if (WITHOUT_EFFECT.test(statement)) return [];
  for (const [begins, handler] of ALL) {
    const found = begins.exec(statement);
    if (found) return handler(backend, found.slice(1));
  }
  throw new Error(`The model of PostgreSQL does not know this statement: ${statement}`);
}

const flag = (value: boolean): string => (value ? 't' : 'f');

function begin(backend: Backend): readonly Row[] {
  backend.rollback();
  backend.begin();
  return [];
}

/** The cycle that the server would find after deadlock_timeout: who builds waits for the transaction of who waits for it. */
async function lockBlocking(backend: Backend): Promise<readonly Row[]> {
  const { server } = backend;
  const isFree = () => ![...server.backends].some((other) => other !== backend && other.locks > 0);
  await backend.take(isFree, () => {
    backend.locks += 2;
  });
  return [{ locked: 't' }];
}

function tryLock(backend: Backend, pid: string): readonly Row[] {
  const { server } = backend;
  if (Number(pid) !== backend.pid) return [];
  const isFree = ![...server.backends].some((other) => other !== backend && other.locks > 0);
  if (isFree) backend.locks += 2;
  return [{ locked: flag(isFree || server.variant.lock === 'everybody') }];
}

function holder({ server }: Backend): readonly Row[] {
  const found = [...server.backends].find(({ locks }) => locks > 0);
  if (!found) return [];
  const at = (ms: number) => String(Math.round(ms * 1000));
  return [
    {
      pid: String(found.pid),
      backend_start: found.backendStart,
      application_name: found.applicationName,
      state: found.state,
      state_change: at(found.stateChangeMs),
      connected_at: '',
      age_ms: String(Math.round(server.time.nowMs() - found.stateChangeMs)),
      seen_at: at(server.time.nowMs()),
    },
  ];
}

const isSession = ({ server }: Backend, [pid, backendStart]: readonly string[]) =>
  [...server.backends].find((b) => b.pid === Number(pid) && b.backendStart === backendStart);

function idleFor(backend: Backend, id: readonly string[]): readonly Row[] {
  const found = isSession(backend, id);
  const idleMs = found && found.state !== 'active' ? backend.server.time.nowMs() - found.stateChangeMs : 0;
  return [{ found: found ? '1' : '0', idle_ms: String(idleMs) }];
}

function progress({ server }: Backend, pid: string): readonly Row[] {
  const found = [...server.backends].find((b) => b.pid === Number(pid));
  if (found?.state !== 'active' || (found.command === null && !found.isBlocked)) return [];
  return [
    {
      command: found.command,
      phase: found.isBlocked ? 'waiting for old snapshots' : 'building index',
      share: null,
      blocked_by: found.isBlocked ? '1' : '0',
    },
  ];
}

const SESSION_IS = String.raw`a\.pid = (\d+) AND .* IS NOT DISTINCT FROM '(\d+)'`;

/** Of sessions, locks and transactions; in the order in which they come most often. */
const SESSIONS: readonly Known[] = [
  [
    /^SET application_name = '(.*)'$/,
    (backend, [name = '']) => {
      backend.applicationName = name;
      return [];
    },
  ],
  [
    /^SELECT pg_catalog\.set_config\('lock_timeout', '(\d+)ms', true\)$/,
    (backend, [ms]) => {
      backend.open.lockTimeoutMs = Number(ms);
      return [];
    },
  ],
  // The limits of a migration's own statements, which wait for nobody here.
  [/^SELECT pg_catalog\.set_config\('lock_timeout'/, () => []],
  [/^BEGIN/, begin],
  [
    /^COMMIT$/,
    (backend) => {
      backend.commit();
      return [];
    },
  ],
  [
    /^ROLLBACK$/,
    (backend) => {
      backend.rollback();
      return [];
    },
  ],
  [
    /^SELECT pg_catalog\.pg_try_advisory_lock.* AS locked WHERE pg_catalog\.pg_backend_pid\(\) = (\d+)/s,
    (backend, [pid = '']) => tryLock(backend, pid),
  ],
  [/^SELECT pg_catalog\.pg_advisory_lock.* AS locked/s, lockBlocking],
  [/^SELECT l\.pid, .* AS backend_start, a\.application_name/s, holder],
  [
    /^SELECT pg_catalog\.pg_backend_pid\(\) = (\d+)\s+AND EXISTS .* AS held$/s,
    (backend) => [{ held: flag(backend.locks > 0 || backend.server.variant.lock === 'everybody') }],
  ],
  [
    /^SELECT pg_catalog\.pg_advisory_unlock/,
    (backend) => {
      const had = backend.locks > 0;
      backend.locks = 0;
      backend.server.notify();
      return [{ had: flag(had) }];
    },
  ],
  [
    /^LISTEN /,
    (backend) => {
      backend.listens = true;
      return [];
    },
  ],
  [
    /^UNLISTEN /,
    (backend) => {
      backend.listens = false;
      return [];
    },
  ],
  [
    /^NOTIFY (.*)$/,
    ({ server }, [channel = '']) => {
      for (const backend of server.backends) if (backend.listens) backend.onWord(channel);
      return [];
    },
  ],
  [
    new RegExp(String.raw`^SELECT pg_catalog\.pg_terminate_backend\(a\.pid\).*${SESSION_IS}`, 's'),
    (backend, id) => {
      isSession(backend, id)?.end();
      return [];
    },
  ],
  [
    new RegExp(String.raw`^SELECT pg_catalog\.pg_cancel_backend\(a\.pid\).*${SESSION_IS}`, 's'),
    (backend, id) => {
      isSession(backend, id)?.cancel();
      return [];
    },
  ],
  [new RegExp(String.raw`^SELECT pg_catalog\.count\(\*\) AS found,.*${SESSION_IS}`, 's'), idleFor],
  [/^SELECT p\.command, .*WHERE a\.pid = (\d+)/s, (backend, [pid = '']) => progress(backend, pid)],
  [/^WITH b AS \(\s+SELECT DISTINCT NULLIF\(p\.pid, 0\)/, () => [{ blocked_by: null, blocks: null }]],
  [
    /^SELECT current_user AS acting_as/,
    (backend) => [
      {
        acting_as: 'app',
        user: 'app',
        database: 'app',
        search_path: 'public',
        read_only: 'f',
        server_version: '180004',
        pid: String(backend.pid),
        backend_start: backend.backendStart,
      },
    ],
  ],
  [
    /^INSERT INTO effects \(revision\) VALUES \('(\d+)'\)$/,
    async (backend, [revision = '']) => {
      await backend.work(revision);
      return [];
    },
  ],
];

const ALL: readonly Known[] = [...SESSIONS, ...FENCE, ...LEDGER, ...RUNS, ...BUILDING];
