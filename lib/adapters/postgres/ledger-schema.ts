/**
 * The ledger's tables: schema `lockstep` of the database that is migrated. Made, and one day upgraded, by whoever
 * holds the advisory lock; nobody else writes to them, but for `instance`, which nothing but contract depends on.
 *
 *   meta      one row: the layout's number
 *   fence     one row: the newest token and its session
 *   entry     append-only history; the key (revision, ordinal) gives "at most once"
 *   repeatable  append-only history of repeatable objects; see repeatables.ts
 *   journal   steps of migrations that are more than one transaction
 *   run       one row per run: who, when, its verdict
 *   instance  instances of the app that passed the gate, or that the deployer named (instances.ts)
 *   applied   a view: what is applied now
 *
 * Two functions stand around each migration in its own transaction. They raise SQLSTATEs of our own, which
 * database-error.ts explains: LS001 the fence has another token, LS002 the transaction is not the one that began,
 * LS003 the lock or the login changed, LS004 the session is another one than that which took the lock.
 *
 * Whether the session has the advisory lock they ask by giving it up once and taking it again, which is why it was
 * taken twice: pg_locks, which tells it too, locks the server's whole lock table to make its list of everybody's
 * locks, and would be a fifth of what a small migration costs.
 */
import { LockstepError, NOTHING_CHANGED } from '../../core/errors/index.ts';
import { STRONG_MODES, serverName } from '../../core/locks/index.ts';
import { LEDGER_LOCK } from './advisory-lock.ts';
import { schemaGrant, withGrant } from './denied.ts';
import { LEAVE_REPEATABLE, REPEATABLE_TABLE } from './repeatables.ts';
import type { Session } from './session.ts';

const LAYOUT = 1;

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
  started_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
  finished_at timestamptz,
  verdict text NOT NULL CHECK (verdict IN ('running', 'applied', 'failed', 'reverted')),
  error text,
  forced text
);
COMMENT ON COLUMN lockstep.run.forced IS 'Live instances of the app past which it was made to contract.';
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

const FUNCTIONS = `
CREATE FUNCTION lockstep.check_fence(mine bigint) RETURNS void LANGUAGE plpgsql AS $function$
BEGIN
  PERFORM FROM lockstep.fence f WHERE f.token = mine FOR UPDATE;
  IF NOT FOUND THEN
    RAISE EXCEPTION USING ERRCODE = 'LS001', MESSAGE = 'a newer attempt has claimed this database';
  END IF;
  PERFORM lockstep.check_lock('LS004');
END $function$;
CREATE FUNCTION lockstep.check_lock(sqlstate_without text) RETURNS void LANGUAGE plpgsql AS $function$
BEGIN
  IF NOT (CASE WHEN pg_catalog.pg_advisory_unlock(${LEDGER_LOCK}) THEN pg_catalog.pg_try_advisory_lock(${LEDGER_LOCK}) ELSE false END) THEN
    RAISE EXCEPTION USING ERRCODE = sqlstate_without, MESSAGE = 'it gave up the advisory lock';
  END IF;
END $function$;
CREATE FUNCTION lockstep.leave_step(of_revision bigint, of_ordinal int, of_step int, login text, acting_as text)
RETURNS void LANGUAGE plpgsql AS $function$
BEGIN
  IF of_step IS NULL THEN
    UPDATE lockstep.entry e
      SET duration_ms = 1000 * EXTRACT(epoch FROM pg_catalog.clock_timestamp() - e.at)
      WHERE e.revision = of_revision AND e.ordinal = of_ordinal AND e.xid = pg_catalog.pg_current_xact_id();
  ELSE
    UPDATE lockstep.journal j SET state = 'done'
      WHERE j.revision = of_revision AND j.ordinal = of_ordinal AND j.step = of_step
        AND j.xid = pg_catalog.pg_current_xact_id();
  END IF;
  IF NOT FOUND THEN
    RAISE EXCEPTION USING ERRCODE = 'LS002', MESSAGE = 'the transaction is not the one that the migration began in';
  END IF;
  PERFORM lockstep.check_session(login, acting_as);
END $function$;
CREATE FUNCTION lockstep.note_locks(of_revision bigint, of_ordinal int, of_step int, relations jsonb, waited_ms int, tries int)
RETURNS void LANGUAGE plpgsql SET search_path = pg_catalog AS $function$
DECLARE
  began timestamptz;
  held jsonb;
BEGIN
  IF of_step IS NULL THEN
    SELECT e.at INTO began FROM lockstep.entry e WHERE e.revision = of_revision AND e.ordinal = of_ordinal;
  ELSE
    SELECT j.at INTO began FROM lockstep.journal j
      WHERE j.revision = of_revision AND j.ordinal = of_ordinal AND j.step = of_step;
  END IF;
  SELECT jsonb_agg(jsonb_build_object('relation', x.name, 'mode', upper(regexp_replace(x.mode, '([a-z])([A-Z])', '\\1 \\2', 'g')),
      'heldMs', round(1000 * EXTRACT(epoch FROM clock_timestamp() - began)), 'waitedMs', waited_ms, 'tries', tries)) INTO held
    FROM (SELECT DISTINCT ON (r.oid) r.name, replace(l.mode, 'Lock', '') AS mode
      FROM jsonb_to_recordset(relations) r(oid oid, name text)
      JOIN pg_locks l ON l.locktype = 'relation' AND l.relation = r.oid AND l.pid = pg_backend_pid() AND l.granted
      JOIN unnest(ARRAY[${STRONG_MODES.map((mode) => `'${serverName(mode)}'`).join(', ')}]) WITH ORDINALITY m(mode, strength)
        ON m.mode = l.mode
      ORDER BY r.oid, m.strength DESC) x;
  IF of_step IS NULL THEN
    UPDATE lockstep.entry e SET locks = held WHERE e.revision = of_revision AND e.ordinal = of_ordinal;
  ELSE
    UPDATE lockstep.journal j SET locks = held
      WHERE j.revision = of_revision AND j.ordinal = of_ordinal AND j.step = of_step;
  END IF;
END $function$;
CREATE FUNCTION lockstep.leave_batch(of_revision bigint, of_ordinal int, of_step int, login text, acting_as text)
RETURNS void LANGUAGE plpgsql AS $function$
BEGIN
  IF NOT EXISTS (SELECT FROM lockstep.journal b WHERE b.revision = of_revision AND b.ordinal = of_ordinal
      AND b.step = of_step AND b.xid = pg_catalog.pg_current_xact_id()) THEN
    RAISE EXCEPTION USING ERRCODE = 'LS002', MESSAGE = 'the transaction is not the one that the batch began in';
  END IF;
  PERFORM lockstep.check_session(login, acting_as);
END $function$;
CREATE FUNCTION lockstep.check_session(login text, acting_as text) RETURNS void LANGUAGE plpgsql AS $function$
BEGIN
  PERFORM lockstep.check_lock('LS003');
  IF session_user <> login OR current_user <> acting_as THEN
    RAISE EXCEPTION USING ERRCODE = 'LS003', MESSAGE = 'it changed the login';
  END IF;
END $function$;

-- With the rights of their owner, so that an app needs none to write. They touch rows of heartbeats only.
CREATE FUNCTION lockstep.beat(its_id text, its_name text, its_head text, its_contracts jsonb, its_digest text, its_every_ms int)
RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $function$
BEGIN
  INSERT INTO lockstep.instance AS i (id, source, name, head, contracts, bundle_digest, every_ms)
    VALUES (its_id, 'heartbeat', its_name, its_head, its_contracts, its_digest, its_every_ms)
    ON CONFLICT (id) DO UPDATE SET heard_at = pg_catalog.clock_timestamp() WHERE i.source = 'heartbeat';
  -- Crashed ones; those that another instance forgets just now are not waited for.
  DELETE FROM lockstep.instance i WHERE i.id IN
    (SELECT gone.id FROM lockstep.instance gone WHERE gone.source = 'heartbeat'
      AND gone.heard_at < pg_catalog.clock_timestamp() - interval '1 day' FOR UPDATE SKIP LOCKED);
END $function$;
CREATE FUNCTION lockstep.leave(its_id text)
RETURNS void LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $function$ DELETE FROM lockstep.instance WHERE id = its_id AND source = 'heartbeat' $function$;
`;

const FIRST_ROWS = `
INSERT INTO lockstep.meta (layout) VALUES (${LAYOUT});
INSERT INTO lockstep.fence (token, holder, lease_ms) VALUES (0, '', 0);
`;

/**
 * Makes the ledger if it is missing; the advisory lock has to be held. Throws LS307 when it has a layout that this
 * program does not know, LS305 or LS306 when it may not be made.
 */
export async function ensureLedger(session: Session): Promise<void> {
  const rows = await session.queryLedger('SELECT layout FROM lockstep.meta');
  if (rows === undefined) return createLedger(session);
  refuseNewerLayout(rows[0]?.layout);
}

/** Throws LS307. */
export function refuseNewerLayout(layout: string | null | undefined): void {
  if (Number(layout) !== LAYOUT) throw newerLedger(Number(layout));
}

async function createLedger(session: Session): Promise<void> {
  // It may have been made beforehand, for a login that may not make one; IF NOT EXISTS would need the right to.
  const [row] = await session.query("SELECT pg_catalog.to_regnamespace('lockstep') IS NULL AS missing");
  const schema = row?.missing === 't' ? 'CREATE SCHEMA lockstep;' : '';
  // One message without BEGIN is one transaction, too, and needs no ROLLBACK.
  try {
    await session.query(
      `${schema} ${TABLES} ${REPEATABLE_TABLE} ${FUNCTIONS} ${LEAVE_REPEATABLE} ${FIRST_ROWS}`,
    );
  } catch (error) {
    throw withGrant(error, schemaGrant(session.facts, schema !== ''));
  }
}

const newerLedger = (layout: number): LockstepError =>
  new LockstepError('LS307', {
    what: `The ledger has layout ${layout}, and this Lockstep knows none above ${LAYOUT}.`,
    state: NOTHING_CHANGED,
    remedy: 'Use a release of Lockstep that is at least as new as the one that wrote the ledger.',
    context: { layout },
  });
