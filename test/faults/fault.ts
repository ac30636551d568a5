/** Where and how a process is made to fail: next to a message to PostgreSQL, which is told by its text. */
import type { Edit } from './edit.ts';

/**
 * SIGKILL and SIGSTOP are sent by the process to itself. `cut` drops the connection: whatever the server has
 * received it does, and its reply is lost.
 */
export type FaultKind = 'SIGKILL' | 'SIGSTOP' | 'cut';

export interface Place {
  /** Before the message is sent; when it is sent and nothing of the reply is read; after the reply. */
  readonly when: 'before' | 'sent' | 'after';
  /** Source of a regular expression; `.` is any character. */
  readonly message: string;
}

const CLAIM = 'UPDATE lockstep\\.fence SET token = \\d+, holder';
const INDEX_BUILD = '^CREATE INDEX CONCURRENTLY';
/** A step of the migration with this revision. */
const stepOf = (revision: string) => `^BEGIN.*'${revision}'`;

export const PLACES = {
  'connected, the lock not asked for': { when: 'before', message: 'pg_try_advisory_lock' },
  'locked, the fence not claimed': { when: 'before', message: CLAIM },
  'the claim sent, its reply lost': { when: 'sent', message: CLAIM },
  'claimed, the first migration not begun': { when: 'before', message: stepOf('0001') },
  'a COMMIT sent, its reply lost': { when: 'sent', message: stepOf('0001') },
  'between two migrations': { when: 'before', message: stepOf('0002') },
  'an index build journalled, not sent': { when: 'before', message: INDEX_BUILD },
  'an index built, its end not journalled': { when: 'after', message: INDEX_BUILD },
} as const satisfies Record<string, Place>;
export type PlaceName = keyof typeof PLACES;

export interface Fault {
  readonly place: PlaceName;
  readonly kind: FaultKind;
}

/** The environment variable by which a process is told, as JSON. */
export const INSTRUCTIONS = 'LOCKSTEP_TEST_FAULT';

export interface Instructions {
  readonly edits: readonly Edit[];
  readonly fault: Fault | undefined;
}
