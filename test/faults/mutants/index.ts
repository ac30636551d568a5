/**
 * The program without one of its protections, many times over: a zero in recovery.test.ts counts because each of
 * these is found. A mutant is made in memory, when the process loads the source (see preload.ts).
 */
import { OF_CLAIMS, OF_HOLDING, OF_TOKENS } from './lease.ts';
import { OF_HEALING, OF_THE_JOURNAL, OF_THE_LEDGER } from './ledger.ts';
import { OF_THE_LOCK, OF_THE_SESSION } from './lock.ts';
import type { Mutant } from './mutant.ts';
import { OF_WAITING } from './waiting.ts';

export type { Mutant } from './mutant.ts';

/** Groups that run together: at most three at a time. */
export const MUTANTS: Readonly<Record<string, readonly Mutant[]>> = {
  'the ledger and its fence': OF_THE_LEDGER,
  'the journal': OF_THE_JOURNAL,
  healing: OF_HEALING,
  'the advisory lock': OF_THE_LOCK,
  'the session': OF_THE_SESSION,
  'being let in': OF_CLAIMS,
  tokens: OF_TOKENS,
  'holding the lease': OF_HOLDING,
  'waiting for a lock': OF_WAITING,
};
