import { readFileSync } from 'node:fs';
import { loadParser } from '../adapters/libpg-query/index.ts';
import { LockstepError, NOTHING_CHANGED } from '../core/errors/index.ts';
import type { MigrationSource } from '../core/plan/index.ts';

export interface MigrationsLocation {
  /** A directory of SQL files. Default `./migrations`. */
  readonly migrations?: string | undefined;
  /** A file written by `lockstep bundle`, instead of a directory. */
  readonly bundle?: string | undefined;
}

export const DEFAULT_DIRECTORY = './migrations';

/** Throws LS103 when it cannot be read, LS2xx when it is not valid. */
export async function openSource({ migrations, bundle }: MigrationsLocation): Promise<MigrationSource> {
  if (bundle !== undefined) return openBundle(bundle);
  const { openMigrationDirectory } = await import('../adapters/filesystem/index.ts');
  return openMigrationDirectory(migrations ?? DEFAULT_DIRECTORY, loadParser);
}

async function openBundle(file: string): Promise<MigrationSource> {
  const [{ readBundle }, { sourceOfBundle }] = await Promise.all([
    import('../core/plan/bundle.ts'),
    import('../core/plan/catalog.ts'),
  ]);
  return sourceOfBundle(readBundle(readText(file)));
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (cause) {
    throw new LockstepError('LS103', {
      what: `The bundle ${file} cannot be read: ${(cause as Error).message}.`,
      state: NOTHING_CHANGED,
      remedy: 'Make it with `lockstep bundle --out FILE`, or correct its path.',
      cause,
    });
  }
}
