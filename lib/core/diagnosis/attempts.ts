/** What attempts left behind besides the lock: sessions that do not have it, and runs that never ended. */
import { describeBlocker } from '../locks/index.ts';
import type { LeaseSeen, LedgerSeen, LockSeen, Reading } from './facts.ts';
import { type Judgement, note, ok, problem, runbook } from './judgement.ts';

const NAME = 'attempts';

interface Seen {
  readonly lock: Reading<LockSeen>;
  readonly ledger: Reading<LedgerSeen>;
  readonly lease: Reading<LeaseSeen>;
}

/** What could not be read is told under `lock`, `ledger` and `lease`. */
export function judgeAttempts(seen: Seen): Judgement[] {
  const found = [...leftSessions(seen), ...unendedRuns(seen)];
  const isKnown = 'value' in seen.lock && 'value' in seen.ledger;
  return found.length > 0 || !isKnown ? found : [ok(NAME, 'None is left behind.')];
}

function leftSessions({ lock, ledger, lease }: Seen): Judgement[] {
  if ('error' in lock) return [];
  const tokens = [
    'value' in ledger ? ledger.value.fenceToken : 0,
    'value' in lease ? (lease.value.record?.token ?? 0) : 0,
  ];
  const newest = Math.max(...tokens);
  return lock.value.attempts.map((attempt) => {
    const who = describeBlocker(attempt);
    if (attempt.token >= newest) return note(NAME, `An attempt waits for the advisory lock: ${who}.`);
    const what = `An attempt that was replaced is still connected: ${who}; its token ${attempt.token} is below ${newest}, so that nothing it writes is accepted.`;
    const end = `\`SELECT pg_terminate_backend(${attempt.pid})\` ends it.`;
    // In a transaction it may keep the tables that it has touched.
    return attempt.state === 'idle' || attempt.state === 'unknown'
      ? note(NAME, what, `Nothing has to be done; ${end}`, runbook('LS403'))
      : problem(NAME, what, end, runbook('LS403'));
  });
}

function unendedRuns({ lock, ledger, lease }: Seen): Judgement[] {
  if ('error' in lock || 'error' in ledger || lock.value.holder) return [];
  // Between two invocations of one run nobody has the lock.
  if ('error' in lease || lease.value.record?.state === 'HELD') return [];
  return ledger.value.runs.map(({ runId, holder, startedAt }) =>
    problem(
      NAME,
      `The run ${runId} of ${holder} began ${startedAt} and never ended; nobody has lease or lock.`,
      '`lockstep up` goes on where it ended, and records that it failed; if nothing is left to apply, `lockstep lock release --force` records it.',
      'docs/runbook.md#start-here',
    ),
  );
}
