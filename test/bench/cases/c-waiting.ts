/** What instances that wait cost the server while one runs a long statement. */
import { setTimeout as sleep } from 'node:timers/promises';
import { type Bench, folderFor } from '../frame/bench.ts';
import { lockstep } from '../frame/built.ts';
import { createEffects, effect, effectsOf, ONCE } from '../frame/effects.ts';
import { manyInOne } from '../frame/many.ts';
import { atMost, type CaseResult } from '../frame/result.ts';
import { ABSENT, table } from '../frame/table.ts';
import { becomesTrue, RUNS, serverCpuMs } from '../frame/watch.ts';

/** Until all have begun to wait. */
const SETTLING_MS = 2_000;

export async function waiting(bench: Bench): Promise<CaseResult> {
  const { server, dist, peers, quick, log } = bench;
  const count = quick ? 10 : 50;
  // The system counts a session's time in hundredths of a second.
  const measuredMs = quick ? 2_000 : 10_000;
  const statementMs = SETTLING_MS + measuredMs + 2_000;
  const steps = [effect(2, `pg_sleep(${statementMs / 1000})`)];
  const rows: string[][] = [];
  const shares = new Map<string, number | undefined>();
  for (const contender of [...peers, lockstep(dist)]) {
    if (contender.module === undefined) continue;
    log(`C: what waiting costs: ${contender.name}`);
    const folder = folderFor(bench, contender, [createEffects, ...steps]);
    const database = await server.newDatabase();
    const { url } = database;
    const race = manyInOne({ dist, contender, folder, url, count });
    const share = await shareOfCore(url, server.pid, measuredMs);
    const { fine } = await race;
    const allWaited = fine === count && (await effectsOf(database, steps)) === ONCE;
    if (!allWaited) continue;
    shares.set(contender.kind, share);
    rows.push([contender.name, share === undefined ? ABSENT : percent(share)]);
  }
  return {
    tables: table([`${count - 1} wait`, 'of a core'], rows),
    targets: [atMost(`C: ${count - 1} that wait, of a core`, 5, shares.get('lockstep'), percent)],
  };
}

const percent = (share: number): string => `${share.toFixed(1)} %`;

async function shareOfCore(url: string, postmaster: number, measuredMs: number): Promise<number | undefined> {
  await becomesTrue(url, RUNS('pg_sleep'));
  await sleep(SETTLING_MS);
  const before = serverCpuMs(postmaster);
  await sleep(measuredMs);
  const after = serverCpuMs(postmaster);
  return before === undefined || after === undefined ? undefined : (100 * (after - before)) / measuredMs;
}
