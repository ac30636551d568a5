import type { Edit } from '../edit.ts';
import { othersRead, readerStays } from '../lock-schedules.ts';
import { inPostgres, type Mutant } from './mutant.ts';

/** Who is in the way is not waited for beforehand; for as long as it is, nobody is hindered. */
const NO_LOOK: readonly Edit[] = [
  {
    file: 'lib/engine/step-locks.ts',
    find: 'return this.#wanted.length === 0 ? {} : {',
    replace: 'return true ? {} : {',
  },
];

export const OF_WAITING: readonly Mutant[] = [
  {
    name: 'a migration waits for its lock in the server for as long as it takes',
    edits: [
      inPostgres('session-settings.ts', "['lock_timeout', String(lockTimeoutMs)],", "['lock_timeout', '0'],"),
    ],
    without: NO_LOOK,
    scenario: othersRead,
    breaks: 'unhindered',
  },
  {
    name: 'a migration tries to get its lock without an end',
    edits: [
      {
        file: 'lib/core/locks/patience.ts',
        find: 'const isOver = leftMs() <= pauseMs || !patience.hasTime();',
        replace: 'const isOver = false;',
      },
    ],
    scenario: readerStays,
    breaks: 'ends',
  },
];
