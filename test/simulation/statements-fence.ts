/** Messages about the fence, which is also where PostgreSQL's lease mints its tokens. */
import type { Backend, Row } from './backend.ts';
import { ledgerOf, lockRow } from './rows.ts';
import { serverError } from './server-error.ts';
import type { Known } from './statements.ts';

/** Whoever locks the row waits for who has it. */
async function lockFence(backend: Backend): Promise<void> {
  await lockRow(backend, 'fence', backend.open.lockTimeoutMs);
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
  const isMine = fence.pid === Number(pid) && fence.backendStart === start && fence.holder === holder;
  return isMine && fence.token === Number(token) && backend.locks > 0;
}

async function mint(
  backend: Backend,
  [floor, pid, start = '', holder = '', leaseMs, lastToken]: readonly string[],
): Promise<readonly Row[]> {
  await lockFence(backend);
  const isHeld =
    lastToken === undefined ? backend.locks > 0 : holdsLease(backend, [pid!, start, holder, lastToken]);
  if (!isHeld) return [];
  const token = Math.max(ledgerOf(backend).fence.token, Number(floor)) + 1;
  backend.open.writes.push(() => setFence(backend, { token, holder, leaseMs: Number(leaseMs), pid, start }));
  return [{ token: String(token) }];
}

function fenceRow(backend: Backend): Row {
  const { token, pid, backendStart, holder, leaseMs } = ledgerOf(backend).fence;
  return {
    token: String(token),
    pid: pid === 0 ? null : String(pid),
    backend_start: backendStart,
    holder,
    lease_ms: String(leaseMs),
  };
}

const SESSION = String.raw`pid = (\d+)(?:,| AND) backend_start = '(\d+)'(?:,| AND) holder = '([^']*)'`;

export const FENCE: readonly Known[] = [
  [/^SELECT lockstep\.check_fence\((\d+)\)$/, (backend, [token = '']) => checkFence(backend, token)],
  [
    /^SELECT lockstep\.check_fence\(CASE WHEN EXISTS \(SELECT FROM lockstep\.entry e WHERE e\.revision = (\d+) AND e\.ordinal = (\d+)\) THEN (\d+) ELSE (-1) END\)$/,
    (backend, [revision, ordinal, token = '', nobodys = '']) => {
      const { entries } = ledgerOf(backend);
      const isThere = entries.some((e) => e.revision === revision && e.ordinal === ordinal);
      return checkFence(backend, isThere ? token : nobodys);
    },
  ],
  [
    /^SELECT token, pid, backend_start, holder, lease_ms FROM lockstep\.fence$/,
    (backend) => [fenceRow(backend)],
  ],
  [
    /^SELECT CASE WHEN pg_catalog\.pg_try_advisory_lock_shared\(.* AS free, token, pid, .* FROM lockstep\.fence$/s,
    (backend) => {
      const isHeld = [...backend.server.backends].some((other) => other !== backend && other.locks > 0);
      return [{ ...fenceRow(backend), free: isHeld ? 'f' : 't' }];
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
    new RegExp(
      String.raw`^UPDATE lockstep\.fence SET token = GREATEST\(token, (\d+)\) \+ 1, .*${SESSION}, lease_ms = (\d+)\s+WHERE (?:pg_catalog|pid = .* AND token = (\d+))`,
      's',
    ),
    mint,
  ],
  [
    new RegExp(String.raw`^SELECT token FROM lockstep\.fence WHERE ${SESSION} AND token = (\d+)`),
    (backend, held) =>
      holdsLease(backend, held) ? [{ token: String(backend.server.database.fence.token) }] : [],
  ],
];
