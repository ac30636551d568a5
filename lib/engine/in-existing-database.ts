import { LockstepError } from '../core/errors/index.ts';
import { LOOK, openSession } from './open-session.ts';
import type { MigrateOptions } from './types.ts';

type Options = Pick<MigrateOptions, 'database' | 'clock' | 'signal' | 'on' | 'createDatabase'>;

/**
 * Does the work; when there is no such database, and it is to be made, makes it and does the work then. Nothing is
 * looked up beforehand: who finds the database there pays nothing. Throws LS3xx and what the work throws.
 */
export async function inExistingDatabase<T>(options: Options, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!options.createDatabase || !(error instanceof LockstepError) || error.code !== 'LS308') throw error;
  }
  const { createDatabase } = await import('../adapters/postgres/create-database.ts');
  const { database: config, on } = options;
  const { database } = config;
  const open = (name: string) => openSession({ ...options, database: { ...config, database: name } }, LOOK);
  if (await createDatabase({ database, open })) on?.({ kind: 'database-created', database });
  return work();
}
