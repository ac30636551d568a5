/** What bites a migration although it is not Lockstep's own: clock, settings, connections, other transactions. */
import { type Blocker, describeBlockers } from '../locks/index.ts';
import type { Link, LoginSetting, Reading, Surroundings } from './facts.ts';
import { type Judgement, note, ok, problem, unread } from './judgement.ts';
import { forHowLong } from './words.ts';

/** Below it, a difference is as likely the network's. */
const CLOCKS_APART_MS = 2_000;
const OLD_TRANSACTION_MS = 300_000;
const NEARLY_ALL = 0.9;

export function judgeSurroundings(reading: Reading<Surroundings>, link: Link): Judgement[] {
  if ('error' in reading) return [unread('surroundings', reading.error)];
  const { settings, connections, transactions, clockAheadMs } = reading.value;
  return [
    ...judgeSettings(settings, link),
    judgeConnections(connections),
    judgeTransactions(transactions),
    judgeClock(clockAheadMs),
  ];
}

const quoted = (name: string): string => `"${name.replaceAll('"', '""')}"`;

const WITHOUT_LIMIT: readonly (string | null)[] = ['0', null];
/** Lockstep makes its own of these for each session and each step. */
const OVERRIDDEN: readonly LoginSetting[] = [
  'statement_timeout',
  'lock_timeout',
  'idle_session_timeout',
  'transaction_timeout',
];

export function judgeSettings(
  settings: Surroundings['settings'],
  { user, checksClient }: Pick<Link, 'user' | 'checksClient'>,
): Judgement[] {
  const name = 'settings';
  const limits = OVERRIDDEN.filter((setting) => !WITHOUT_LIMIT.includes(settings[setting]));
  const found = [
    ...(settings.synchronous_commit === 'off'
      ? [
          problem(
            name,
            'synchronous_commit is off: a migration that was reported as applied can be lost when the server crashes.',
            `\`ALTER ROLE ${quoted(user)} SET synchronous_commit = on\`, for the login that migrates.`,
          ),
        ]
      : []),
    ...(limits.length > 0
      ? [
          note(
            name,
            `The login has ${limits.map((l) => `${l} = ${settings[l]}`).join(', ')}; Lockstep sets its own, so that migrations are not bound by it.`,
            null,
            'docs/locks.md',
          ),
        ]
      : []),
    ...(checksClient
      ? []
      : [
          note(
            name,
            'The server has no client_connection_check_interval: the lock of a client that is killed is free only when its statement has ended.',
          ),
        ]),
  ];
  return found.length > 0 ? found : [ok(name, 'None that gets into the way of a migration.')];
}

export function judgeConnections({ used, most }: Surroundings['connections']): Judgement {
  const what = `${used} of ${most} connections are used`;
  if (used < most * NEARLY_ALL) return ok('connections', `${what}.`);
  return problem(
    'connections',
    `${what}: a run may not get one.`,
    'End what is idle, give the app a smaller pool, or raise max_connections.',
  );
}

export function judgeTransactions(transactions: readonly Blocker[]): Judgement {
  const name = 'transactions';
  const old = transactions.filter(
    ({ kind, transactionAgeMs }) => kind !== 'autovacuum' && (transactionAgeMs ?? 0) >= OLD_TRANSACTION_MS,
  );
  const [first] = old;
  if (!first) return ok(name, `None is older than ${forHowLong(OLD_TRANSACTION_MS)}, as far as is shown.`);
  const end =
    first.pid === null
      ? 'COMMIT PREPARED or ROLLBACK PREPARED what pg_prepared_xacts lists'
      : `end it if it can go: \`SELECT pg_terminate_backend(${first.pid})\``;
  return problem(
    name,
    `Open for ${forHowLong(first.transactionAgeMs ?? 0)}: ${describeBlockers(old)}. CREATE INDEX CONCURRENTLY waits for it, and so does every migration of a table that it has used.`,
    `Find out whose it is, and ${end}.`,
    'docs/locks.md',
  );
}

export function judgeClock(aheadMs: number): Judgement {
  const apart = Math.abs(aheadMs);
  if (apart < CLOCKS_APART_MS) return ok('clock', "The server's clock and this host's agree.");
  return note(
    'clock',
    `The server's clock is ${forHowLong(apart)} ${aheadMs > 0 ? 'ahead of' : 'behind'} this host's. Nothing depends on it; mind it when you compare logs.`,
  );
}
