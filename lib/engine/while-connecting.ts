import type { Session } from '../adapters/postgres/session.ts';
import type { LedgerState } from '../core/plan/index.ts';
import { loadTurn } from './load-turn.ts';
import { inTurn } from './login-turns.ts';
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
  const opening = new Opened(context, AbortSignal.any(signals));
  try {
    const prepared = await prepare();
    // Once the ledger is asked for, it will soon be known whether it is needed.
    if (!opening.isLoggedIn) await loadTurn();
    return await work(prepared, opening);
  } finally {
    notNeeded.abort();
    await opening.drop();
  }
}

class Opened implements Opening {
  #session: Promise<Session> | undefined;
  #ledger: { readonly of: Session; readonly state: Promise<LedgerState | undefined> } | undefined;

  constructor(context: EngineContext, signal: AbortSignal) {
    // Loaded while the connection is made, and mostly there when it is.
    let loaded: typeof import('../adapters/postgres/ledger.ts') | undefined;
    const loading = import('../adapters/postgres/ledger.ts').then((ledger) => {
      loaded = ledger;
      return ledger;
    });
    loading.catch(() => undefined);
    const read = (of: Session) => {
      const reading = loaded
        ? loaded.readLedgerAhead(of)
        : loading.then((ledger) => ledger.readLedgerAhead(of));
      this.#ledger = { of, state: reading.catch(() => undefined) };
    };
    const { clock, database } = context;
    const turn = { clock, signal, server: `${database.host}:${database.port}` };
    const opened = inTurn(turn, () => openSession({ ...context, signal }, LOOK, read));
    this.#session = opened;
    // What fails is thrown where it is waited for, and nobody may come to do so.
    opened.catch(() => undefined);
  }

  get isLoggedIn(): boolean {
    return this.#ledger !== undefined;
  }

  takeSession(): Promise<Session> | undefined {
    const session = this.#session;
    this.#session = undefined;
    return session;
  }

  async takeLedger(session: Session): Promise<LedgerState | undefined> {
    if (this.#ledger?.of !== session || !session.isDirect) return undefined;
    const { state } = this.#ledger;
    this.#ledger = undefined;
    return state;
  }

  async drop(): Promise<void> {
    const session = await this.takeSession()?.catch(() => undefined);
    await session?.end();
  }
}
