/** Making a migration wait in the middle of its SQL, for as long as the test wants. */
import { GATE_KEY, WORK_KEY } from './migration-sets.ts';
import { until } from './until.ts';
import { connect, type World } from './world.ts';

export type GatePlace = 'a migration' | 'an index build' | 'an index build at work' | 'a clearing away';

/** A build waits for the transactions that write to the table; what takes something away, for those that read, too. */
const GATES = {
  'a migration': { close: `SELECT pg_advisory_xact_lock(${GATE_KEY})`, waitEvent: 'advisory' },
  'an index build': { close: 'LOCK TABLE effects IN ROW EXCLUSIVE MODE', waitEvent: 'virtualxid' },
  'an index build at work': { close: `SELECT pg_advisory_xact_lock(${WORK_KEY})`, waitEvent: 'PgSleep' },
  'a clearing away': { close: 'LOCK TABLE effects, parted IN ACCESS SHARE MODE', waitEvent: 'virtualxid' },
} as const;

export interface Gate {
  /** Returns when a session waits at it, with that session's pid. */
  reached(): Promise<number>;
  /** Lets everybody pass from now on. */
  lift(): Promise<void>;
}

export async function closeGate(world: World, place: GatePlace): Promise<Gate> {
  const { close, waitEvent } = GATES[place];
  const client = await connect(world.url);
  await client.query(`BEGIN; ${close}`);
  const waiting = `SELECT pid FROM pg_stat_activity
    WHERE datname = current_database() AND application_name LIKE 'lockstep #%' AND wait_event = '${waitEvent}'`;
  return {
    async reached() {
      let pid: number | undefined;
      await until(`a session waits in ${place}`, async () => {
        pid = (await world.query<{ pid: number }>(waiting))[0]?.pid;
        return pid !== undefined;
      });
      return pid!;
    },
    async lift() {
      await client.end();
    },
  };
}
