/** B: start when all of 1,000 migrations are applied. That is what nearly every start of an app finds. */
import { type Bench, folderFor, smallMigrations } from '../frame/bench.ts';
import { lockstep } from '../frame/built.ts';
import type { Contender } from '../frame/contender.ts';
import { bareApply, bareNothingToDo, nodeAlone, psqlApply, psqlNothingToDo } from '../frame/limits.ts';
import { peakRssMiB, run } from '../frame/process.ts';
import { interleaved } from '../frame/rounds.ts';
import { ABSENT, table, times, whole } from '../frame/table.ts';
import { trafficOf } from '../frame/wire.ts';

interface Applied extends Contender {
  readonly folder: string;
  readonly url: string;
}

export async function nothingToDo(bench: Bench): Promise<string> {
  const { quick, log } = bench;
  const count = quick ? 50 : 1_000;
  const contenders = await applied(bench, count);
  const settings = { rounds: quick ? 3 : 11, warmUp: true };
  const medians = await interleaved(contenders, settings, async ({ up, folder, url }) => {
    return (await run(up(folder, url))).durationMs;
  });
  const rows: string[][] = [];
  const baselineMs = medians[contenders.findIndex(({ name }) => name === bareNothingToDo.name)]!;
  for (const [i, { name, up, folder, url }] of contenders.entries()) {
    log(`B: what ${name} sends, and its memory`);
    const { roundTrips, statements } = await trafficOf((proxied) => up(folder, proxied), url);
    const sent = roundTrips > 0 ? [String(roundTrips), String(statements)] : [ABSENT, ABSENT];
    const memory = whole(await peakRssMiB(up(folder, url)));
    rows.push([name, whole(medians[i]), times(medians[i]! / baselineMs), ...sent, memory]);
  }
  return table([`${count} applied`, 'ms', '× bare', 'round trips', 'statements', 'RSS MiB'], rows);
}

/** Each with a database that it migrated itself; the limits with one of the script that they go with. */
async function applied(bench: Bench, count: number): Promise<Applied[]> {
  const { server, dist, peers, log } = bench;
  const pairs: [Contender | undefined, Contender | undefined][] = [
    [psqlNothingToDo(), psqlApply()],
    [nodeAlone, bareApply('one')],
    [bareNothingToDo, bareApply('one')],
    ...[lockstep(dist), ...peers].map((tool): [Contender, Contender] => [tool, tool]),
  ];
  const contenders: Applied[] = [];
  for (const [contender, applier] of pairs) {
    if (!contender || !applier) continue;
    log(`B: ${contender.name} is prepared`);
    const folder = folderFor(bench, applier, smallMigrations(count));
    const { url } = await server.newDatabase();
    await run(applier.up(folder, url));
    contenders.push({ ...contender, folder, url });
  }
  return contenders;
}
