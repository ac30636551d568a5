/**
 * Looking at what an attempt's session does, from a second session. That is opened only for work that takes long, and
 * is closed with it. It looks in autocommit and never for long, because an index build waits for older snapshots.
 * Whatever goes wrong with it is not told: the work alone decides how the attempt ends.
 */
import { connect, type Session } from '../adapters/postgres/index.ts';
import type { Attempt } from './attempt.ts';

/** Most steps are done by then. */
const FIRST_LOOK_MS = 2_000;
const LOOK_EVERY_MS = 2_000;
const CONNECT_MS = 5_000;

/** One look, on the second session. */
export type Look = (second: Session) => Promise<void>;

/** Gives what `work` gives, and throws what it throws. */
export async function watchBeside<T>(attempt: Attempt, look: Look, work: () => Promise<T>): Promise<T> {
  const over = new AbortController();
  const looking = keepLooking(attempt, look, over.signal).catch(() => undefined);
  try {
    return await work();
  } finally {
    over.abort();
    await looking;
  }
}

async function keepLooking({ session, clock }: Attempt, look: Look, over: AbortSignal): Promise<void> {
  await clock.sleep(FIRST_LOOK_MS, over);
  const config = { ...session.config, connectBudgetMs: CONNECT_MS };
  const second = await connect({ config, clock, applicationName: 'lockstep watch', signal: over });
  // A look that hangs must not keep the work from ending.
  const end = () => second.end();
  over.addEventListener('abort', end);
  try {
    for (;;) {
      await look(second);
      await clock.sleep(LOOK_EVERY_MS, over);
    }
  } finally {
    over.removeEventListener('abort', end);
    await second.end();
  }
}
