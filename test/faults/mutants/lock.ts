import { stopped, stoppedD } from '../cases.ts';
import { waitsForBuild } from '../schedules.ts';
import { inPostgres, type Mutant, NO_CANCEL, NO_LOCK } from './mutant.ts';

/** An index build is there, because no fence can stand around a statement outside a transaction. */
export const OF_THE_LOCK: readonly Mutant[] = [
  {
    name: 'who waits for the lock waits in the server',
    edits: [
      inPostgres(
        'advisory-lock.ts',
        '`pg_catalog.pg_try_advisory_lock($' + '{LEDGER_LOCK})`',
        '`(pg_catalog.pg_advisory_lock($' + '{LEDGER_LOCK}) IS NOT NULL)`',
      ),
    ],
    scenario: waitsForBuild,
    breaks: 'ends',
  },
  {
    name: 'who polls the lock does so inside one transaction',
    edits: [
      inPostgres(
        'advisory-lock.ts',
        '`SET application_name = ',
        '`BEGIN ISOLATION LEVEL REPEATABLE READ; SET application_name = ',
      ),
      // Only then: who looks whether it has the lock, before it takes over, would end the transaction.
      inPostgres(
        'advisory-lock.ts',
        "return row.locked === 't';",
        "if (row.locked === 't') await session.query('COMMIT'); return row.locked === 't';",
      ),
    ],
    scenario: waitsForBuild,
    breaks: 'ends',
  },
  {
    name: 'an attempt goes on without the lock, beside an older session',
    edits: NO_LOCK,
    without: NO_CANCEL,
    scenario: stoppedD('an index build journalled, not sent'),
    breaks: 'inert',
  },
];

const RECONNECT = `this.#send(sql).catch(async (error) => {
  if (error instanceof pg.DatabaseError && error.code !== '57P01') throw error;
  const { host, port, database, user, password } = this.config;
  this.#client = new pg.Client({ host, port, database, user, password });
  this.#client.on('error', () => undefined);
  await this.#client.connect();
  this.#lost = new AbortController();
  return this.#send(sql);
});`;

export const OF_THE_SESSION: readonly Mutant[] = [
  {
    name: 'a lost connection is made again',
    edits: [inPostgres('session.ts', 'this.#send(text);', RECONNECT)],
    scenario: stopped('an index build journalled, not sent'),
    breaks: 'inert',
  },
  {
    name: 'the older session is not ended',
    edits: [{ file: 'lib/engine/orphan.ts', find: 'await endSession(session, holder);', replace: '' }],
    scenario: stoppedD('between two migrations'),
    breaks: 'ends',
  },
  {
    name: "PostgreSQL's lease is taken over without ending the session that has it",
    edits: [inPostgres('postgres-lease-store.ts', 'await this.#end(lockedBy);', '')],
    scenario: stopped('between two migrations'),
    breaks: 'ends',
  },
];
