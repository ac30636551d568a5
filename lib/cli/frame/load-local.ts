import { LockstepError, NOTHING_CHANGED } from '../../core/errors/index.ts';

/**
 * Of lib/local, which starts servers. Not by a literal path: the published command is one bundle, without them.
 * Throws LS104.
 * @param path from this folder
 * @param what is the case where it is missing, as a sentence
 */
export async function loadLocal<Module>(path: string, what: string): Promise<Module> {
  try {
    return await import(new URL(path, import.meta.url).href);
  } catch (cause) {
    // `import` names it with ERR_, and the published command requires.
    if (!(cause as NodeJS.ErrnoException).code?.endsWith('MODULE_NOT_FOUND')) throw cause;
    throw new LockstepError('LS104', {
      what,
      state: NOTHING_CHANGED,
      remedy: 'Clone the repository, and run `npm ci` and this command in it.',
      cause,
    });
  }
}
