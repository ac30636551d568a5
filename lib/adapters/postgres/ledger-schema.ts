/**
 * The ledger's tables: schema `lockstep` of the database that is migrated. Made, and one day upgraded, by whoever
 * holds the advisory lock; nobody else writes to them, but for `instance`, which nothing but contract depends on, and for
 * `forced_release`, which nothing depends on.
 *
 *   meta      one row: the layout's number
 *   fence     one row: the newest token and its session
 *   entry     append-only history; the key (revision, ordinal) gives "at most once"
 *   repeatable  append-only history of repeatable objects; see repeatables.ts
 *   journal   steps of migrations that are more than one transaction
 *   run       one row per run: who, when, its verdict
 *   instance  instances of the app that passed the gate, or that the deployer named (instances.ts)
 *   forced_release  append-only: who freed the lease by force, from whom (forced-releases.ts)
 *   applied   a view: what is applied now
 */
import { holdingLock, transactionPooler } from './advisory-lock.ts';
import { schemaGrant, withGrant } from './denied.ts';
import { FORCED_RELEASE_TABLE } from './forced-releases.ts';
import { LEDGER_FUNCTIONS } from './ledger-functions.ts';
import { LAYOUT, refuseNewerLayout } from './ledger-layout.ts';
import { LEAVE_REPEATABLE, REPEATABLE_TABLE } from './repeatables.ts';
import { WAL_POSITION } from './restore-points.ts';
import type { Session } from './session.ts';

const TABLES = `
CREATE TABLE lockstep.meta (
  id int PRIMARY KEY DEFAULT 1 CHECK (id = 1),
  layout int NOT NULL
);
CREATE TABLE lockstep.fence (
  id int PRIMARY KEY DEFAULT 1 CHECK (id = 1),
  token bigint NOT NULL,
  pid int,
  backend_start bigint,
  holder text NOT NULL,
  lease_ms bigint NOT NULL,
  claimed_at timestamptz
);
CREATE TABLE lockstep.entry (
  revision bigint NOT NULL,
  ordinal int NOT NULL CHECK (ordinal > 0),
  id bigint GENERATED ALWAYS AS IDENTITY UNIQUE,
  kind text NOT NULL CHECK (kind IN ('applied', 'reverted', 'stamped', 'baselined', 'repaired')),
  written_as text NOT NULL,
  slug text NOT NULL,
  phase text NOT NULL,
  sha256 text NOT NULL,
  normalized_sha256 text NOT NULL,
  run_id text NOT NULL,
  token bigint NOT NULL,
  xid xid8 NOT NULL DEFAULT pg_catalog.pg_current_xact_id(),
  at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
  duration_ms int,
  locks jsonb,
  down jsonb,
  up text,
  PRIMARY KEY (revision, ordinal)
);
COMMENT ON COLUMN lockstep.entry.down IS 'The compiled down script, so that a roll-back works from an older bundle.';
COMMENT ON COLUMN lockstep.entry.up IS 'What was applied, without comments and passwords; null where it is large.';
CREATE TABLE lockstep.journal (
  revision bigint NOT NULL,
  ordinal int NOT NULL,
  step int NOT NULL,
  direction text NOT NULL CHECK (direction IN ('up', 'down')),
  migration text NOT NULL,
  state text NOT NULL CHECK (state IN ('started', 'done')),
  sha256 text NOT NULL,
  postcondition jsonb,
  before jsonb,
  cursor jsonb,
  keys bigint NOT NULL DEFAULT 0,
  batch_size int,
  paused boolean NOT NULL DEFAULT false,
  locks jsonb,
  run_id text NOT NULL,
  token bigint NOT NULL,
  xid xid8 NOT NULL DEFAULT pg_catalog.pg_current_xact_id(),
  at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
  PRIMARY KEY (revision, ordinal, step)
);
COMMENT ON COLUMN lockstep.journal.before IS 'What the catalogs said before a step outside a transaction.';
COMMENT ON COLUMN lockstep.journal.cursor IS 'Of a back-fill: the key up to which it is done.';
COMMENT ON COLUMN lockstep.journal.sha256 IS 'Of the text of the step.';
COMMENT ON COLUMN lockstep.entry.locks IS 'Strong locks of its last step; those of the steps before are in the journal.';
CREATE TABLE lockstep.run (
  run_id text PRIMARY KEY,
  holder text NOT NULL,
  token bigint NOT NULL,
  bundle_digest text NOT NULL,
  restore_point text,
  restore_record jsonb,
  began_at_lsn pg_lsn DEFAULT lockstep.wal_position(),
  started_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
  finished_at timestamptz,
  verdict text NOT NULL CHECK (verdict IN ('running', 'applied', 'failed', 'reverted')),
  error text,
  failed_migration text,
  forced text,
  command text,
  histories jsonb
);
COMMENT ON COLUMN lockstep.run.began_at_lsn IS 'Null where the server does not tell.';
COMMENT ON COLUMN lockstep.run.restore_record IS 'The database at that time: what one that is restored has to be given again.';
COMMENT ON COLUMN lockstep.run.forced IS 'Live instances of the app past which it was made to contract.';
COMMENT ON COLUMN lockstep.run.command IS 'A foreign command that it ran, and what its own history says that it changed.';
COMMENT ON COLUMN lockstep.run.histories IS 'What that changed, table by table; null as long as it is not known.';
CREATE TABLE lockstep.instance (
  id text PRIMARY KEY,
  source text NOT NULL CHECK (source IN ('heartbeat', 'deployer')),
  name text NOT NULL,
  head text NOT NULL,
  contracts jsonb,
  bundle_digest text NOT NULL,
  every_ms int NOT NULL,
  started_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
  heard_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp()
);
COMMENT ON COLUMN lockstep.instance.contracts IS 'The contract migrations of its bundle; null if only its head is known.';
CREATE VIEW lockstep.applied AS
  SELECT * FROM (SELECT DISTINCT ON (revision) * FROM lockstep.entry ORDER BY revision, ordinal DESC) newest
  WHERE kind <> 'reverted';
`;

const FIRST_ROWS = `
INSERT INTO lockstep.meta (layout) VALUES (${LAYOUT});
INSERT INTO lockstep.fence (token, holder, lease_ms) VALUES (0, '', 0);
`;

export interface Ensuring {
  /** True: what is sent from now on comes to a ledger, unless the server refuses to make it. False: nothing may be sent to it. */
  readonly whenSent: Promise<boolean>;
  /**
   * Rejected with LS307 when it has a layout that this program does not know, LS305 or LS306 when it may not be made, LS304 when
   * the session that answers does not have the lock, and first of all with what `whenSound` was rejected with.
   */
  readonly whenMade: Promise<void>;
}

/**
 * Makes the ledger if it is missing; the advisory lock has to be held. It is made while it turns out whether what it is
 * needed for is sound, and is there only if it is.
 */
export function ensureLedger(session: Session, whenSound: Promise<void> = Promise.resolve()): Ensuring {
  const seen = SEEN.get(session);
  if (seen) return seen;
  let sent: (isSent: boolean) => void = () => undefined;
  const whenSent = new Promise<boolean>((resolve) => {
    sent = resolve;
  });
  const whenMade = makeIfMissing(session, whenSound, () => sent(true));
  whenMade.then(
    () => sent(true),
    () => {
      SEEN.delete(session);
      sent(false);
    },
  );
  const ensuring = { whenSent, whenMade };
  SEEN.set(session, ensuring);
  return ensuring;
}

/** Who has the lock is the only one to change it, and so once is enough. */
const SEEN = new WeakMap<Session, Ensuring>();

async function makeIfMissing(session: Session, whenSound: Promise<void>, sent: () => void): Promise<void> {
  // It may have been begun beforehand, for a login that may not make a schema; IF NOT EXISTS would need the right to.
  const looks = session.together(() =>
    Promise.all([
      session.queryLedger('SELECT layout FROM lockstep.meta'),
      session.query(
        `SELECT pg_catalog.to_regnamespace('lockstep') IS NULL AS missing, ${holdingLock(session)} AS held`,
      ),
    ]),
  );
  const whenMade = looks.then(([rows, [row]]) => {
    if (row?.held !== 't') throw transactionPooler();
    if (rows !== undefined) return refuseNewerLayout(rows[0]?.layout);
    return createLedger(session, row.missing === 't', whenSound, sent);
  });
  // Before anything else is sent.
  await Promise.allSettled([whenMade, whenSound]);
  await whenSound;
  await whenMade;
}

async function createLedger(
  session: Session,
  withSchema: boolean,
  whenSound: Promise<void>,
  sent: () => void,
): Promise<void> {
  const schema = withSchema ? 'CREATE SCHEMA lockstep;' : '';
  // The COMMIT of the first token, or of the claim, waits until both are on disk.
  const made = session.query(
    `BEGIN; SET LOCAL synchronous_commit = off; ${schema} ${WAL_POSITION} ${TABLES} ${REPEATABLE_TABLE} ${FORCED_RELEASE_TABLE} ${LEDGER_FUNCTIONS} ${LEAVE_REPEATABLE} ${FIRST_ROWS}`,
  );
  made.catch(() => undefined);
  const isSound = await whenSound.then(
    () => true,
    () => false,
  );
  // Sent behind it, whatever comes of it: of a transaction that failed a COMMIT is a ROLLBACK, too.
  const ended = session.query(isSound ? 'COMMIT' : 'ROLLBACK');
  if (isSound) sent();
  const failed = (await Promise.allSettled([made, ended])).find((outcome) => outcome.status === 'rejected');
  if (failed) throw withGrant(failed.reason, schemaGrant(session.facts, withSchema));
}
