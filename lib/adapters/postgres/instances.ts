/**
 * App instances in the ledger. They write their own row through two functions of the ledger, which run with the rights
 * of its owner, so that the app's role needs no right to write; nothing here holds or needs the advisory lock. Whether
 * one is alive is decided by the database's clock.
 */
import type { AppInstance } from '../../core/plan/index.ts';
import type { Session } from './session.ts';
import { isoTime, literal } from './sql.ts';

/** Beats that may be lost before an instance counts as gone. */
const BEATS_TO_LIVE = 3;

const SILENT = 'pg_catalog.clock_timestamp() - i.heard_at';
const INSTANCE = `i.id, i.name, i.source, i.head, i.contracts, i.bundle_digest AS "bundleDigest",
  ${isoTime('i.started_at')} AS "startedAt", ${isoTime('i.heard_at')} AS "heardAt",
  pg_catalog.round(1000 * EXTRACT(epoch FROM ${SILENT})) AS "silentMs",
  i.source = 'deployer' OR EXTRACT(epoch FROM ${SILENT}) * 1000 < ${BEATS_TO_LIVE} * i.every_ms AS alive`;

/** All that are recorded, by their heads; also those that have fallen silent. Throws LS3xx. */
export async function readInstances(session: Session): Promise<readonly AppInstance[]> {
  const rows = await session.queryLedger(
    `SELECT pg_catalog.json_agg(x) AS instances FROM
       (SELECT ${INSTANCE} FROM lockstep.instance i ORDER BY i.head::pg_catalog.int8, i.name, i.id) x`,
  );
  const json = rows?.[0]?.instances;
  return json ? (JSON.parse(json) as AppInstance[]) : [];
}

export interface NewInstance
  extends Pick<AppInstance, 'id' | 'name' | 'head' | 'contracts' | 'bundleDigest'> {
  /** How often it says that it is there. */
  readonly everyMs: number;
}

const valuesOf = ({ id, name, head, contracts, bundleDigest, everyMs }: NewInstance): string =>
  [id, name, head, contracts && JSON.stringify(contracts), bundleDigest, everyMs].map(literal).join(', ');

/** A row of one's own is waited for by nobody; whoever locks the table should not keep an app from its start. */
const LOCK_TIMEOUT_MS = 5_000;

/** Says that the instance is there: for the first time, or again. Throws LS3xx. */
export async function beat(session: Session, instance: NewInstance): Promise<void> {
  await session.query(
    `SELECT pg_catalog.set_config('lock_timeout', '${LOCK_TIMEOUT_MS}ms', true); SELECT lockstep.beat(${valuesOf(instance)})`,
  );
}

/** Throws LS3xx. */
export async function leave(session: Session, id: string): Promise<void> {
  await session.query(`SELECT lockstep.leave(${literal(id)})`);
}

/** By the deployer's word, until it is removed; one of the same name is replaced. False when there is no ledger yet. */
export async function putInstance(session: Session, instance: NewInstance): Promise<boolean> {
  const rows = await session.queryLedger(
    `INSERT INTO lockstep.instance (id, name, head, contracts, bundle_digest, every_ms, source)
     VALUES (${valuesOf(instance)}, 'deployer')
     ON CONFLICT (id) DO UPDATE SET head = EXCLUDED.head, contracts = EXCLUDED.contracts,
       bundle_digest = EXCLUDED.bundle_digest, heard_at = EXCLUDED.heard_at RETURNING id`,
  );
  return rows !== undefined;
}

/** Gives how many had this name. Throws LS3xx. */
export async function removeInstances(session: Session, name: string): Promise<number> {
  const rows = await session.queryLedger(
    `DELETE FROM lockstep.instance i WHERE i.name = ${literal(name)} RETURNING i.id`,
  );
  return rows?.length ?? 0;
}
