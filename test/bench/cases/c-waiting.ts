/** What instances that wait cost the server while one runs a long statement. */
import { setTimeout as sleep } from 'node:timers/promises';
import { type Bench, folderFor } from '../frame/bench.ts';
import { lockstep } from '../frame/built.ts';
import { createEffects, effect, effectsOf, ONCE } from '../frame/effects.ts';
import { manyInOne } from '../frame/many.ts';
import { ABSENT, table } from '../frame/table.ts';
import { becomesTrue, RUNS, serverCpuMs } from '../frame/watch.ts';

/** Until all have begun to wait. */
const SETTLING_MS = 3_000;

export async function waiting(bench: Bench): Promise<string> {
  const { server, dist, peers, quick, log } = bench;
  const count = quick ? 10 : 50;
  const measuredMs = quick ? 2_000 : 10_000;
  const statementMs = SETTLING_MS + measuredMs + 2_000;
  const steps = [effect(2, `pg_sleep(${statementMs / 1000})`)];
  const rows: string[][] = [];
  for (const contender of [lockstep(dist), ...peers]) {
    if (contender.module === undefined) continue;
    log(`C: what waiting costs: ${contender.name}`);
    const folder = folderFor(bench, contender, [createEffects, ...steps]);
    const database = await server.newDatabase();
    const { url } = database;
    const race = manyInOne({ dist, contender, folder, url, count });
    const share = await shareOfCore(url, server.pid, measuredMs);
    const { fine } = await race;
    const allWaited = fine === count && (await effectsOf(database, steps)) === ONCE;
    if (allWaited) rows.push([contender.name, share === undefined ? ABSENT : `${share.toFixed(1)} %`]);
  }
  return table([`${count - 1} wait`, 'of a core'], rows);
}

async function shareOfCore(url: string, postmaster: number, measuredMs: number): Promise<number | undefined> {
  await becomesTrue(url, RUNS('pg_sleep'));
  await sleep(SETTLING_MS);
  const before = serverCpuMs(postmaster);
  await sleep(measuredMs);
  const after = serverCpuMs(postmaster);
  return before === undefined || after === undefined ? undefined : (100 * (after - before)) / measuredMs;
}
