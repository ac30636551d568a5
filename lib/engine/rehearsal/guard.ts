/** A copy is another database than the one that it is of, with the same history. */
import type { Session } from '../../adapters/postgres/index.ts';
import { areInOneDatabase, ledgerHead, readDatabaseBytes } from '../../adapters/postgres/rehearsal.ts';
import { LockstepError, NOTHING_CHANGED } from '../../core/errors/index.ts';
import { LOOK, withSession } from '../open-session.ts';
import type { EngineContext } from '../types.ts';

export interface BothLookedAt {
  readonly ledgerHead: string;
  /** Of the copy. */
  readonly databaseBytes: number;
}

/** Throws LS741, LS3xx, LS605. */
export const lookAtBoth = (original: EngineContext, copy: EngineContext): Promise<BothLookedAt> =>
  withSession(original, LOOK, (session) =>
    withSession(copy, LOOK, (other) => compare(session, other, copy.clock.random())),
  );

/** Throws LS3xx, LS605. @param except a run, of which nothing counts */
export const readLedgerHead = (context: EngineContext, except?: string): Promise<string> =>
  withSession(context, LOOK, (session) => ledgerHead(session, except));

async function compare(original: Session, copy: Session, chance: number): Promise<BothLookedAt> {
  // Of a replica no lock is seen on its primary, which could be the one that is given as the copy.
  if (original.facts.readOnly) {
    throw notACopy(
      `The database ${original.facts.database} is reached through a replica, or its login may not write, so that it cannot be told from its copy`,
      "Give the writer's address, and the login that migrates.",
    );
  }
  if (await areInOneDatabase(original, copy, chance)) {
    throw notACopy(
      `The copy that is given is the database ${original.facts.database} itself`,
      'Give the address of a copy.',
    );
  }
  const [head, copied] = await Promise.all([ledgerHead(original), ledgerHead(copy)]);
  if (head !== copied) {
    throw notACopy(
      `The ledger of ${copy.facts.database} on ${copy.config.host} is not that of ${original.facts.database} on ${original.config.host}`,
      'Give a copy that was made since somebody last migrated the database, and was not migrated itself: each rehearsal needs a new one.',
      OTHER_LEDGER,
    );
  }
  return { ledgerHead: head, databaseBytes: await readDatabaseBytes(copy) };
}

const OTHER_LEDGER = { hasOtherLedger: true };

/** Whether somebody has migrated one of the two since the copy was made: with another copy it may go well. */
export const isOutdatedCopy = ({ code, context }: LockstepError): boolean =>
  code === 'LS741' && context.hasOtherLedger === true;

const notACopy = (what: string, remedy: string, context: LockstepError['context'] = {}): LockstepError =>
  new LockstepError('LS741', { what: `${what}.`, state: NOTHING_CHANGED, remedy, context });
