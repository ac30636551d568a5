/** A: apply 1,000 small migrations to an empty database. */
import { type Bench, folderFor, smallMigrations } from '../frame/bench.ts';
import { lockstep } from '../frame/built.ts';
import { bareApply, psqlApply } from '../frame/limits.ts';
import { peakRssMiB, run } from '../frame/process.ts';
import { aheadOf, atMost, type CaseResult } from '../frame/result.ts';
import { interleaved } from '../frame/rounds.ts';
import { seconds, table, times, whole } from '../frame/table.ts';

export async function apply(bench: Bench): Promise<CaseResult> {
  const { server, peers, dist, quick, rounds, log } = bench;
  const count = quick ? 50 : 1_000;
  const baseline = bareApply('one');
  const limits = [psqlApply(), baseline, bareApply('four')].filter((limit) => limit !== undefined);
  const contenders = [...limits, lockstep(dist), ...peers].map((contender) => ({
    ...contender,
    folder: folderFor(bench, contender, smallMigrations(count)),
  }));
  const medians = await interleaved(contenders, { rounds }, async ({ name, up, folder }) => {
    log(`A: ${name}`);
    return (await run(up(folder, (await server.newDatabase()).url))).durationMs;
  });
  const memory: (number | undefined)[] = [];
  for (const { up, folder } of contenders) {
    memory.push(await peakRssMiB(up(folder, (await server.newDatabase()).url)));
  }
  const baselineMs = medians[contenders.findIndex(({ name }) => name === baseline.name)]!;
  const ratios = contenders.map(({ name, kind }, i) => ({ name, kind, value: medians[i]! / baselineMs }));
  const own = ratios.find(({ kind }) => kind === 'lockstep')!.value;
  return {
    tables: table(
      [`${count} migrations`, '× bare', 's', 'RSS MiB'],
      ratios.map(({ name, value }, i) => [name, times(value), seconds(medians[i]!), whole(memory[i])]),
    ),
    targets: [
      atMost('A: of the bare pg loop with one round trip each', 1.1, own, times),
      aheadOf(
        'A: ahead of every peer',
        own,
        ratios.filter(({ kind }) => kind === 'peer'),
        times,
      ),
    ],
  };
}
