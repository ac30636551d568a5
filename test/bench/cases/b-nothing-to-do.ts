/** B: start when all of 1,000 migrations are applied. That is what nearly every start of an app finds. */
import { type Bench, folderFor, smallMigrations } from '../frame/bench.ts';
import { lockstep, withoutCodeCache } from '../frame/built.ts';
import type { Contender } from '../frame/contender.ts';
import { bareApply, bareNothingToDo, nodeAlone, psqlApply, psqlNothingToDo } from '../frame/limits.ts';
import { peakRssMiB, run } from '../frame/process.ts';
import { aheadOf, atMost, type CaseResult, type Target } from '../frame/result.ts';
import { interleaved } from '../frame/rounds.ts';
import { ABSENT, table, times, whole } from '../frame/table.ts';
import { type Traffic, trafficOf } from '../frame/wire.ts';

interface Applied extends Contender {
  readonly folder: string;
  readonly url: string;
}

export async function nothingToDo(bench: Bench): Promise<CaseResult> {
  const { quick, rounds, log } = bench;
  const count = quick ? 50 : 1_000;
  const contenders = await applied(bench, count);
  // It takes a tenth of a second, of which what is asked for is a tenth: more often than the others.
  const settings = { rounds: 4 * rounds + 1, warmUp: true };
  const medians = await interleaved(contenders, settings, async ({ up, folder, url }) => {
    return (await run(up(folder, url))).durationMs;
  });
  const found: Found[] = [];
  const baselineMs = medians[contenders.findIndex(({ name }) => name === bareNothingToDo.name)]!;
  for (const [i, { name, kind, up, folder, url }] of contenders.entries()) {
    log(`B: what ${name} sends, and its memory`);
    const traffic = await trafficOf((proxied) => up(folder, proxied), url);
    const rssMiB = await peakRssMiB(up(folder, url));
    found.push({ name, kind, ms: medians[i]!, value: medians[i]! / baselineMs, traffic, rssMiB });
  }
  const header = [`${count} applied`, '× bare', 'ms', 'round trips', 'statements', 'RSS MiB'];
  return { tables: table(header, found.map(row)), targets: targets(found) };
}

interface Found {
  readonly name: string;
  readonly kind: Contender['kind'];
  readonly ms: number;
  /** Of the bare script that reads and hashes the same files. */
  readonly value: number;
  readonly traffic: Traffic;
  readonly rssMiB: number | undefined;
}

function row({ name, ms, value, traffic, rssMiB }: Found): string[] {
  const { roundTrips, statements } = traffic;
  const sent = roundTrips > 0 ? [String(roundTrips), String(statements)] : [ABSENT, ABSENT];
  return [name, times(value), whole(ms), ...sent, whole(rssMiB)];
}

function targets(found: readonly Found[]): Target[] {
  const own = found.find(({ kind }) => kind === 'lockstep')!;
  const nodePeers = found.filter(({ kind, name }) => kind === 'peer' && !name.includes('(Go)'));
  return [
    atMost('B: of the bare script that reads and hashes the files', 0.9, own.value, times),
    aheadOf('B: ahead of every Node peer', own.value, nodePeers, times),
    atMost('B: statements sent', 3, own.traffic.statements, String),
    atMost('F: memory in B, MiB', 65, own.rssMiB, whole),
  ];
}

/** Each with a database that it migrated itself; the limits with one of the script that they go with. */
async function applied(bench: Bench, count: number): Promise<Applied[]> {
  const { server, dist, peers, log } = bench;
  const tool = lockstep(dist);
  const pairs: [Contender | undefined, Contender | undefined][] = [
    [psqlNothingToDo(), psqlApply()],
    [nodeAlone, bareApply('one')],
    [bareNothingToDo, bareApply('one')],
    [tool, tool],
    [withoutCodeCache(tool), tool],
    ...peers.map((peer): [Contender, Contender] => [peer, peer]),
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
