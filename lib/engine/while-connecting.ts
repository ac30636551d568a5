import type { Session } from '../adapters/postgres/session.ts';
import type { LedgerState } from '../core/plan/index.ts';
import { LOOK, openSession } from './open-session.ts';
import type { EngineContext, Opening } from './types.ts';

/**
 * Does what has to be done before the database is needed (reading a thousand files, say) while the connection is made
 * and the ledger is read: that is mostly waiting. What fails in `prepare` is thrown at once, whether the server can be
 * reached or not; what fails in connecting or reading is thrown to who asks for it.
 */
export async function whileConnecting<Prepared, Result>(
  context: EngineContext,
  prepare: () => Promise<Prepared>,
  work: (prepared: Prepared, opening: Opening) => Promise<Result>,
): Promise<Result> {
  const notNeeded = new AbortController();
  const signals = [context.signal, notNeeded.signal].filter((signal) => signal !== undefined);
  const opening = new Opened(openSession({ ...context, signal: AbortSignal.any(signals) }, LOOK));
  try {
    return await work(await prepare(), opening);
  } finally {
    notNeeded.abort();
    await opening.drop();
  }
}

class Opened implements Opening {
  #session: Promise<Session> | undefined;
  #ledger: { readonly of: Session; readonly state: Promise<LedgerState> } | undefined;

  constructor(session: Promise<Session>) {
    this.#session = session;
    // What fails is thrown where it is waited for, and nobody may come to do so.
    session.then(
      (of) => {
        // What begins here is loaded while the connection is made, and has been when it is there.
        const state = import('../adapters/postgres/ledger.ts').then(({ readLedger }) => readLedger(of));
        state.catch(() => undefined);
        this.#ledger = { of, state };
      },
      () => undefined,
    );
  }

  takeSession(): Promise<Session> | undefined {
    const session = this.#session;
    this.#session = undefined;
    return session;
  }

  takeLedger(session: Session): Promise<LedgerState> | undefined {
    if (this.#ledger?.of !== session) return undefined;
    const { state } = this.#ledger;
    this.#ledger = undefined;
    return state;
  }

  async drop(): Promise<void> {
    const session = await this.takeSession()?.catch(() => undefined);
    await session?.end();
  }
}
