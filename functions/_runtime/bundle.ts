import { readFile } from 'node:fs/promises';
import { LockstepError, NOTHING_CHANGED } from '../../lib/core/errors/index.ts';
import { readBundle } from '../../lib/core/plan/bundle.ts';
import type { Bundle, MigrationSource } from '../../lib/core/plan/index.ts';

/** The compiled migrations. Throws LS209. */
export async function loadBundle(path: string): Promise<Bundle> {
  const text = await readFile(path, 'utf8').catch((cause: unknown) => {
    throw new LockstepError('LS209', {
      what: `The bundle ${path} cannot be read.`,
      state: NOTHING_CHANGED,
      remedy: 'Deploy the stack again: the bundle is part of it.',
      cause,
    });
  });
  return readBundle(text);
}

/** In place of a bundle that cannot be read, where only the ledger matters. */
export const NO_MIGRATIONS: MigrationSource = {
  catalog: [],
  repeatables: [],
  digest: '',
  load: async () => [],
  loadRepeatables: async () => [],
};
