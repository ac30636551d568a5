/** The advisory lock and the session that has it: an attempt at work, one that was left behind, or somebody else's. */
import { type Blocker, describeBlocker, describeBlockers } from '../locks/index.ts';
import type { LeaseSeen, LedgerSeen, LockSeen, Reading } from './facts.ts';
import { type Judgement, note, ok, problem, runbook, unread } from './judgement.ts';
import { forHowLong } from './words.ts';

const NAME = 'lock';
/** Whoever waits for longer is not helped by waiting. */
const LONG_WAIT_MS = 60_000;
const GOES_ON =
  'Start the run again (`lockstep up`, or the execution): it ends that session and goes on. To end it without a run: `lockstep lock release --force`.';

export interface LockContext {
  readonly lease: Reading<LeaseSeen>;
  readonly ledger: Reading<LedgerSeen>;
}

export function judgeLock(reading: Reading<LockSeen>, context: LockContext): Judgement {
  if ('error' in reading) return unread(NAME, reading.error);
  const { holder, blockedBy, blocks } = reading.value;
  if (!holder) return ok(NAME, 'Free.');
  const who = describeBlocker(holder);
  const Who = `${who.charAt(0).toUpperCase()}${who.slice(1)}`;
  if (!holder.applicationName.startsWith('lockstep '))
    return problem(
      NAME,
      `${Who}, has the advisory lock and is no attempt of Lockstep.`,
      'Find out whose it is; `lockstep lock release --force` ends it.',
      runbook('LS401'),
    );
  const orphaned = whyOrphaned(holder, context);
  if (orphaned !== undefined)
    return problem(
      NAME,
      `${Who}, has the advisory lock and is left behind: ${orphaned}.`,
      GOES_ON,
      runbook('LS403'),
    );
  if (blockedBy.length > 0) return blocked(Who, holder, blockedBy);
  const waiting = blocks.sessions > 0 ? `; ${keptWaiting(blocks)}` : '';
  return note(
    NAME,
    `${Who}, has the advisory lock and is at work${waiting}.`,
    'Wait for it: `lockstep wait` returns when everything is applied.',
  );
}

const keptWaiting = ({ sessions, longestMs }: LockSeen['blocks']): string =>
  `${sessions} session${sessions === 1 ? ' waits' : 's wait'} for it, the longest for ${forHowLong(longestMs)}`;

function blocked(who: string, { queryAgeMs }: Blocker, blockedBy: readonly Blocker[]): Judgement {
  const what = `${who}, has the advisory lock and waits for ${describeBlockers(blockedBy)}.`;
  const pids = blockedBy.flatMap(({ pid }) => (pid === null ? [] : [pid]));
  const end =
    pids.length > 0
      ? `end it if it can go: \`SELECT pg_terminate_backend(${pids[0]})\``
      : 'end it: COMMIT PREPARED or ROLLBACK PREPARED';
  if ((queryAgeMs ?? 0) < LONG_WAIT_MS) return note(NAME, what, `Wait for it, or ${end}.`, runbook('LS610'));
  return problem(NAME, what, `Find out who it is, and ${end}.`, runbook('LS610'));
}

type Holder = NonNullable<LockSeen['holder']>;

/** What shows that the lease has gone on without this session; undefined if nothing does. */
function whyOrphaned({ token, state, queryAgeMs }: Holder, context: LockContext): string | undefined {
  const fence = 'value' in context.ledger ? context.ledger.value.fenceToken : 0;
  const lease = 'value' in context.lease ? context.lease.value : undefined;
  if (token !== null && token < fence) return `its token is ${token}, and ${fence} was let in since`;
  if (!lease?.record) return undefined;
  const { record, where } = lease;
  if (where === 'dynamodb' && token !== null) {
    if (token < record.token) return `its token is ${token}, and the lease has given ${record.token} since`;
    if (record.state === 'FREE') return 'nobody has the lease';
    return undefined;
  }
  const silentMs = state === 'active' || state === 'unknown' ? 0 : (queryAgeMs ?? 0);
  if (where === 'dynamodb' || silentMs < record.durationMs) return undefined;
  return `it has been silent for ${forHowLong(silentMs)}, and its lease lasts ${forHowLong(record.durationMs)}`;
}
