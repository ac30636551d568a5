/** Where and how a process is made to fail: next to a message to one of the two servers. */
import type { Edit } from './edit.ts';

/**
 * SIGKILL and SIGSTOP hit the process. `cut` drops the connection: whatever the server has received it does, and its
 * reply is lost.
 */
export type FaultKind = 'SIGKILL' | 'SIGSTOP' | 'cut';

export type LeaseKind = 'postgres' | 'dynamodb';

/** To PostgreSQL: the first message with such a text. The process itself fails beside it. */
export interface Statement {
  /** Before the message is sent; when it is sent and nothing of the reply is read; after the reply. */
  readonly when: 'before' | 'sent' | 'after';
  /** Source of a regular expression; `.` is any character. */
  readonly message: string;
}

/** To the table of leases: the PutItem of the process with this number, or the one that frees the lease. See lease-link.ts. */
export interface Put {
  /** Before the table gets it; when it is written, and the process has not heard of it. */
  readonly when: 'before' | 'sent';
  readonly put: number | 'release';
}

export type Place = Statement | Put;

/** By the store that gives the lease. */
type Places = { readonly postgres?: Statement; readonly dynamodb?: Place };

const either = (statement: Statement): Places => ({ postgres: statement, dynamodb: statement });

const MINT = 'UPDATE lockstep\\.fence SET token = GREATEST';
const CLAIM = 'UPDATE lockstep\\.fence SET token = \\d+, holder';
const TRY_LOCK = 'pg_try_advisory_lock';
const UNLOCK = '^SELECT pg_catalog\\.pg_advisory_unlock';
const INDEX_BUILD = '^CREATE INDEX CONCURRENTLY';
/** A step of the migration with this revision. */
const stepOf = (revision: string) => `^BEGIN.*'${revision}'`;

/** A process writes its lease, then its token, then renewals, the first of them at once. */
const PUT = { lease: 1, token: 2, laterRenewal: 4 } as const;

/** In the order in which a run comes to them. */
export const PLACES = {
  // In PostgreSQL the lock is the lease: that is "connected, the lock not asked for".
  'the lease not asked for': { dynamodb: { when: 'before', put: PUT.lease } },
  'the lease asked for, its reply lost': {
    postgres: { when: 'sent', message: TRY_LOCK },
    dynamodb: { when: 'sent', put: PUT.lease },
  },
  // In PostgreSQL the first token is the claim.
  'the lease had, no token yet': { dynamodb: { when: 'before', put: PUT.token } },
  'a token had, not connected with it': { dynamodb: { when: 'sent', put: PUT.token } },
  'connected, the lock not asked for': either({ when: 'before', message: TRY_LOCK }),
  'the ledger made, not committed': either({ when: 'before', message: '^COMMIT$' }),
  'locked, the fence not claimed': {
    postgres: { when: 'before', message: MINT },
    dynamodb: { when: 'before', message: CLAIM },
  },
  'the claim sent, its reply lost': {
    postgres: { when: 'sent', message: MINT },
    dynamodb: { when: 'sent', message: CLAIM },
  },
  'claimed, the first migration not begun': either({ when: 'before', message: stepOf('0001') }),
  // PostgreSQL's is renewed only between two statements; the table's while one runs, too.
  'a renewal sent, its reply lost': {
    postgres: { when: 'sent', message: '^SELECT token FROM lockstep\\.fence' },
    dynamodb: { when: 'sent', put: PUT.laterRenewal },
  },
  'a COMMIT sent, its reply lost': either({ when: 'sent', message: stepOf('0001') }),
  'between two migrations': either({ when: 'before', message: stepOf('0002') }),
  'an index build journalled, not sent': either({ when: 'before', message: INDEX_BUILD }),
  'an index built, its end not journalled': either({ when: 'after', message: INDEX_BUILD }),
  'all done, the lease not released': {
    postgres: { when: 'before', message: UNLOCK },
    dynamodb: { when: 'before', put: 'release' },
  },
  'the release sent, its reply lost': {
    postgres: { when: 'sent', message: UNLOCK },
    dynamodb: { when: 'sent', put: 'release' },
  },
} as const satisfies Record<string, Places>;
export type PlaceName = keyof typeof PLACES;

/** Undefined where the store that gives the lease makes no such message. */
export const placeWith = (lease: LeaseKind, name: PlaceName): Place | undefined =>
  (PLACES as Readonly<Record<PlaceName, Places>>)[name][lease];

export interface Fault {
  readonly place: PlaceName;
  readonly kind: FaultKind;
}

/** The environment variable by which a process is told, as JSON. */
export const INSTRUCTIONS = 'LOCKSTEP_TEST_FAULT';

export interface Instructions {
  readonly edits: readonly Edit[];
  /** Beside a message to PostgreSQL. */
  readonly fault: { readonly place: Statement; readonly kind: FaultKind } | undefined;
}
