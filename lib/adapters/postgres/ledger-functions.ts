/**
 * The functions in the ledger's schema; its tables are in ledger-schema.ts.
 *
 * Two functions stand around each migration in its own transaction. They raise SQLSTATEs of our own, which
 * database-error.ts explains: LS001 the fence has another token, LS002 the transaction is not the one that began,
 * LS003 the lock or the login changed, LS004 the session is another one than that which took the lock.
 *
 * Whether the session has the advisory lock they ask by giving it up once and taking it again, which is why it was
 * taken twice: pg_locks, which tells it too, locks the server's whole lock table to make its list of everybody's
 * locks, and would be a fifth of what a small migration costs.
 */
import { STRONG_MODES, serverName } from '../../core/locks/index.ts';
import { LEDGER_LOCK } from './advisory-lock.ts';

export const LEDGER_FUNCTIONS = `
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
