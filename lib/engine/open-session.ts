import { connect } from '../adapters/postgres/connect.ts';
import type { Session } from '../adapters/postgres/session.ts';
import { LockstepError, NOTHING_CHANGED } from '../core/errors/index.ts';
import type { EngineContext } from './types.ts';

/** Of a session that only looks; an attempt's session carries its token and run. */
export const LOOK = 'lockstep look';

/** Throws LS301 to LS309, LS605. */
export async function openSession(
  context: EngineContext,
  applicationName: string,
  onLogin?: (session: Session) => void,
): Promise<Session> {
  const { database: config, clock, signal, on } = context;
  const onRetry = (attempt: number, reason: string) => on?.({ kind: 'connecting', attempt, reason });
  try {
    return await (context.opening?.takeSession() ??
      connect({ config, clock, applicationName, signal, onRetry, onLogin }));
  } catch (error) {
    throw signal?.aborted && !(error instanceof LockstepError) ? interruptedWhileConnecting(error) : error;
  }
}

export async function withSession<T>(
  context: EngineContext,
  applicationName: string,
  work: (session: Session) => Promise<T>,
): Promise<T> {
  const session = await openSession(context, applicationName);
  try {
    return await work(session);
  } finally {
    await session.end();
  }
}

const interruptedWhileConnecting = (cause: unknown): LockstepError =>
  new LockstepError('LS605', {
    what: 'Interrupted while connecting to the database.',
    state: NOTHING_CHANGED,
    remedy: 'Run the same command again.',
    cause,
  });
