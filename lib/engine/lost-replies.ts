/**
 * A link that is cut without a word to either side. Keepalives find it while nothing is on its way (after 20 s); a message
 * that nobody acknowledges the operating system sends again for a quarter of an hour, and a reply that was lost on the way
 * nobody sends again at all. Meanwhile the lease is renewed, and the run neither goes on nor ends.
 *
 * So whenever one message has been in flight for long, another session asks the server what it does for this one. If it
 * has been idle for as long, or is gone, message or reply are lost, and the session with them; the next attempt reads in
 * the ledger what was done. Two durations are compared, no clocks. What cannot be asked is asked again later.
 */
import { connect, idleForMs, type Session } from '../adapters/postgres/index.ts';
import { sleepOrAbort, within } from '../core/clock.ts';
import type { AttemptOptions } from './types.ts';

const ASK = 'lockstep ask';
/** A reply of that age on a link that works would be a wonder. */
const LOST_AFTER_MS = 10_000;
/** While a statement runs that takes long. */
const ASK_EVERY_MS = 30_000;
const TICK_MS = 2_000;
const ANSWER_LIMIT_MS = 10_000;

type Options = Pick<AttemptOptions, 'database' | 'clock'> & { readonly signal: AbortSignal };

/** Until the signal aborts, or the session is lost. Never throws. */
export async function watchReplies(options: Options, session: Session): Promise<void> {
  const { clock, signal } = options;
  let message = session.inFlight;
  let sinceMs = clock.nowMs();
  let pauseMs = LOST_AFTER_MS;
  for (;;) {
    await sleepOrAbort(clock, TICK_MS, signal);
    if (signal.aborted || session.isLost) return;
    if (session.inFlight !== message) {
      message = session.inFlight;
      sinceMs = clock.nowMs();
      pauseMs = LOST_AFTER_MS;
    }
    if (message === undefined || clock.nowMs() - sinceMs < pauseMs) continue;
    const idleMs = await within(
      clock,
      ANSWER_LIMIT_MS,
      ask(options, session).catch(() => 0),
    );
    if (session.inFlight === message && idleMs !== 'late' && idleMs >= LOST_AFTER_MS)
      return session.destroy('the server has been idle for long, and its reply never came');
    pauseMs += ASK_EVERY_MS;
  }
}

async function ask({ database, clock, signal }: Options, { facts }: Session): Promise<number> {
  const config = { ...database, connectBudgetMs: ANSWER_LIMIT_MS };
  const second = await connect({ config, clock, applicationName: ASK, signal });
  try {
    return await idleForMs(second, facts);
  } finally {
    await second.end();
  }
}
