/** Every session and transaction in this database, as blockers: who has the lock, who is an attempt, who keeps a snapshot. */
import type { Blocker } from '../../core/locks/index.ts';
import { IS_LEDGER_LOCK } from './advisory-lock.ts';
import { BLOCKER, blockersIn } from './blockers.ts';
import type { Session } from './session.ts';
import { AS_LOGIN } from './sql.ts';

export interface OpenSessions {
  /** Who has the advisory lock; none if nobody does. */
  readonly holders: readonly Blocker[];
  /** Other sessions that are named as those of attempts. */
  readonly attempts: readonly Blocker[];
  /** Open ones of anybody else, the oldest first; prepared ones, too. */
  readonly transactions: readonly Blocker[];
}

/** More are not told of. */
const MOST = 50;

/** In one statement, so that nobody is seen twice. Throws LS3xx. */
export async function lookAtOpenSessions(session: Session): Promise<OpenSessions> {
  const select = (condition: string) =>
    `(SELECT pg_catalog.json_agg(s) FROM (SELECT * FROM seen WHERE ${condition}
       ORDER BY seen."transactionAgeMs" DESC NULLS LAST LIMIT ${MOST}) s)`;
  const isAttempt = `COALESCE(seen."applicationName", '') LIKE 'lockstep #%'`;
  const [row] = await session.query(`${AS_LOGIN};
    WITH b AS (
      SELECT o.pid, '' AS transaction, EXISTS (SELECT FROM pg_catalog.pg_locks l WHERE l.pid = o.pid AND ${IS_LEDGER_LOCK}) AS locks
      FROM pg_catalog.pg_stat_activity o WHERE o.datname = pg_catalog.current_database()
        AND o.pid <> pg_catalog.pg_backend_pid() AND o.leader_pid IS NULL
    ), seen AS MATERIALIZED (
      SELECT ${BLOCKER}, b.locks FROM b JOIN pg_catalog.pg_stat_activity a ON a.pid = b.pid
      UNION ALL
      SELECT NULL, x.gid, NULL, x.owner, NULL, NULL, NULL, false,
        pg_catalog.round(1000 * EXTRACT(epoch FROM pg_catalog.clock_timestamp() - x.prepared))::pg_catalog.int8, NULL, false
      FROM pg_catalog.pg_prepared_xacts x WHERE x.database = pg_catalog.current_database()
    )
    SELECT ${select('seen.locks')} AS holders, ${select(`NOT seen.locks AND ${isAttempt}`)} AS attempts,
      ${select(`NOT seen.locks AND NOT ${isAttempt} AND seen."transactionAgeMs" IS NOT NULL`)} AS transactions`);
  return {
    holders: blockersIn(row?.holders),
    attempts: blockersIn(row?.attempts),
    transactions: blockersIn(row?.transactions),
  };
}
