import { mkdir, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { LockstepError, NOTHING_CHANGED } from '../../core/errors/index.ts';

/** What a command was told to write with --out. Throws LS103. */
export async function writeOut(file: string, text: string): Promise<void> {
  try {
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, text);
  } catch (cause) {
    throw new LockstepError('LS103', {
      what: `${file} cannot be written: ${(cause as Error).message}.`,
      state: NOTHING_CHANGED,
      remedy: 'Give another path with --out.',
      cause,
    });
  }
}
