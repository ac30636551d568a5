/**
 * What keeps an instance from serving before the schema is ready, as far as it can be decided without a database.
 *
 * Invariants
 * - What somebody has asked for (LOCKSTEP_MIGRATE) always counts; what is detected only takes the place of a default.
 * - On a platform that runs many instances none of them migrates by default: it waits, which is safe wherever it is wrong.
 *
 * Who is authoritative: the ledger, for whether the schema is ready; here nothing is known of it.
 *
 * What can fail: nothing; a value that is not understood is given back as such.
 */
export * from './deployment.ts';
export * from './mode.ts';
