/**
 * Where the tests' server keeps its data: in memory, where the system has a folder for that with room. On a disk the
 * files of a new database, 300 of them, cost up to ten times the processor time, and the tests make two thousand.
 */
import { access, constants, statfs } from 'node:fs/promises';

/** Linux's; containers often have one of 64 MB. */
const IN_MEMORY = '/dev/shm';
/** Eight times what three servers take, with the databases of the tests that run and their write-ahead logs. */
const NEEDED_BYTES = 2 * 2 ** 30;

/** Runs `work` with a temporary folder (`os.tmpdir`) in memory, or where it is anyway. */
export async function inFastFolder<T>(work: () => Promise<T>): Promise<T> {
  const before = process.env.TMPDIR;
  if (await hasRoomInMemory()) process.env.TMPDIR = IN_MEMORY;
  try {
    return await work();
  } finally {
    if (before === undefined) delete process.env.TMPDIR;
    else process.env.TMPDIR = before;
  }
}

async function hasRoomInMemory(): Promise<boolean> {
  try {
    await access(IN_MEMORY, constants.W_OK | constants.X_OK);
    const { bavail, bsize } = await statfs(IN_MEMORY);
    // What limits the container may be less than what the file system has.
    return bavail * bsize > NEEDED_BYTES && process.availableMemory() > NEEDED_BYTES;
  } catch {
    return false;
  }
}
