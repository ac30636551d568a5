/**
 * Diagnosis: from what was read about a target, what is amiss, and the one thing to do next.
 *
 * Invariants
 * - Judgements are pure: the engine reads (lib/engine/examine.ts), nothing here looks anything up.
 * - They stand in the order in which one thing depends on another: who cannot connect has no use for hearing about
 *   locks. So the next step is that of the first problem; without a problem, that of the first note that has one.
 * - A problem keeps runs from succeeding, or breaks a guarantee. What mends itself, or what somebody may have meant, is a
 *   note.
 * - What could not be read is a judgement, too, and takes no other one with it.
 * - Of other sessions no text of a query is told, but for the name of its command.
 *
 * Who is authoritative: as everywhere, the ledger for what is applied, the fence and the lease for who may write, the
 * server for who has the lock. A look is a moment: what is told of a database at work may be over when it is read.
 *
 * What can fail: nothing here.
 */
import { judgeAttempts } from './attempts.ts';
import { judgeConnection, judgePooler, judgeServer, judgeTls, judgeUnreached } from './connection.ts';
import type { Facts } from './facts.ts';
import type { Judgement } from './judgement.ts';
import { judgeLease } from './lease.ts';
import { judgeLock } from './lock.ts';
import { judgeRights } from './rights.ts';
import { judgeLedger, judgeMigrations, judgeSchema } from './schema.ts';
import { judgeSurroundings } from './surroundings.ts';

export * from './facts.ts';
export type { Judgement, Level } from './judgement.ts';

/** In the order in which they are to be dealt with. */
export function diagnose({ address, reached, lease }: Facts): readonly Judgement[] {
  if ('error' in reached) {
    const known = 'value' in lease && lease.value.where === 'dynamodb' ? [judgeLease(lease)] : [];
    return [judgeUnreached(reached.error), ...known];
  }
  const { link, rights, lock, ledger, schema, migrations, surroundings } = reached.value;
  return [
    judgeConnection(address, link),
    judgeServer(link),
    judgePooler(link),
    judgeRights(rights, link),
    ...judgeLedger(reached.value),
    judgeLease(lease),
    judgeLock(lock, { lease, ledger }),
    ...judgeAttempts({ lock, ledger, lease }),
    ...judgeSchema(schema),
    judgeMigrations(migrations),
    judgeTls(address),
    ...judgeSurroundings(surroundings, link),
  ];
}

export const NOTHING_TO_DO = 'nothing is to be done.';

/** The one next step. */
export function nextStep(judgements: readonly Judgement[]): string {
  const first =
    judgements.find(({ level }) => level === 'problem') ??
    judgements.find(({ level, next }) => level === 'note' && next !== null);
  return first?.next ?? NOTHING_TO_DO;
}
