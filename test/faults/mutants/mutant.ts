import type { Edit } from '../edit.ts';
import type { Invariant } from '../invariants.ts';
import type { Scenario } from '../scenario.ts';

/** The program without one of its protections, and the invariant that it breaks for that reason. */
export interface Mutant {
  /** What is wrong with it. */
  readonly name: string;
  readonly edits: readonly Edit[];
  /** Other protections that stand before the one that is taken out, and would hide that it is missing. */
  readonly without?: readonly Edit[];
  readonly scenario: Scenario;
  readonly breaks: Invariant;
}

export const inPostgres = (file: string, find: string, replace: string): Edit => ({
  file: `lib/adapters/postgres/${file}`,
  find,
  replace,
});

/** Everybody has it; so nobody finds an older session to end, either. */
export const NO_LOCK: readonly Edit[] = [
  // SELECT true OR (0 = key) AS locked
  inPostgres('advisory-lock.ts', 'pg_catalog.pg_try_advisory_lock(', 'true OR (0 = '),
  inPostgres('advisory-lock.ts', "return row?.held === 't';", 'return true;'),
  inPostgres('ledger-schema.ts', "if (row?.held !== 't') throw transactionPooler();", ''),
  inPostgres('ledger-schema.ts', "row.missing === 't'", "row?.missing === 't'"),
  inPostgres(
    'ledger-functions.ts',
    'IF NOT (CASE WHEN pg_catalog.pg_advisory_unlock(',
    'IF false AND NOT (CASE WHEN pg_catalog.pg_advisory_unlock(',
  ),
];

/** Whoever has lost the lease lets its SQL run; else it may be cancelled before it does harm, or may not. */
export const NO_CANCEL: readonly Edit[] = [
  {
    file: 'lib/engine/attempt.ts',
    find: 'if (this.#session) this.#cancelling = cancelRunning(',
    replace: 'if (false) this.#cancelling = cancelRunning(',
  },
];
