/** Looking at the server while a measurement goes on: connections, processor time, what runs. */
import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';

/** Sessions of others in the same database. */
const OTHERS = `datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'`;

const LOOK_EVERY_MS = 25;

/** The most connections that there were at once while `work` went on. */
export async function peakConnections<T>(
  url: string,
  work: () => Promise<T>,
): Promise<{ readonly peak: number; readonly result: T }> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  let over = false;
  const counting = (async () => {
    let peak = 0;
    while (!over) {
      const { rows } = await client.query(`SELECT count(*)::int AS n FROM pg_stat_activity WHERE ${OTHERS}`);
      peak = Math.max(peak, rows[0].n);
      await sleep(LOOK_EVERY_MS);
    }
    return peak;
  })();
  try {
    const result = await work();
    over = true;
    return { peak: await counting, result };
  } finally {
    over = true;
    await counting.catch(() => undefined);
    await client.end();
  }
}

const LIMIT_MS = 20_000;

/** Whether the condition over the other sessions of the database came true, in time and before the signal. */
export async function becomesTrue(url: string, condition: string, signal?: AbortSignal): Promise<boolean> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    for (const untilMs = performance.now() + LIMIT_MS; performance.now() < untilMs; await sleep(10)) {
      if (signal?.aborted) break;
      const { rows } = await client.query(
        `SELECT ${condition} AS yes FROM (SELECT * FROM pg_stat_activity WHERE ${OTHERS}) others`,
      );
      if (rows[0]?.yes) return true;
    }
    return false;
  } finally {
    await client.end();
  }
}

export const RUNS = (pattern: string): string =>
  `count(*) FILTER (WHERE state = 'active' AND query ILIKE '%${pattern}%') > 0`;
export const NOTHING_RUNS = `count(*) FILTER (WHERE state = 'active') = 0`;

/** Clock ticks of Linux, as /proc counts them. */
const TICK_MS = 10;

/** Processor time of the server and all of its sessions, those that have ended too; undefined where it cannot be read. */
export function serverCpuMs(postmaster: number): number | undefined {
  try {
    const all = readdirSync('/proc').map(Number).filter(Boolean).map(statOf);
    const own = statOf(postmaster);
    const children = all.filter((stat) => stat?.parent === postmaster);
    const ticks = children.reduce((sum, stat) => sum + (stat?.ticks ?? 0), own!.ticks + own!.endedTicks);
    return ticks * TICK_MS;
  } catch {
    return undefined;
  }
}

function statOf(pid: number) {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)!.split(' ').map(Number);
    // proc(5): the fields from the third on; 4 ppid, 14 utime, 15 stime, 16 cutime, 17 cstime.
    const [parent, user, system, endedUser, endedSystem] = [1, 11, 12, 13, 14].map((at) => fields[at]!);
    return { parent, ticks: user! + system!, endedTicks: endedUser! + endedSystem! };
  } catch {
    return undefined;
  }
}
