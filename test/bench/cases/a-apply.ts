/** A: apply 1,000 small migrations to an empty database. */
import { type Bench, folderFor, smallMigrations } from '../frame/bench.ts';
import { lockstep } from '../frame/built.ts';
import { bareApply, psqlApply } from '../frame/limits.ts';
import { peakRssMiB, run } from '../frame/process.ts';
import { interleaved } from '../frame/rounds.ts';
import { seconds, table, times, whole } from '../frame/table.ts';

export async function apply(bench: Bench): Promise<string> {
  const { server, peers, dist, quick, log } = bench;
  const count = quick ? 50 : 1_000;
  const baseline = bareApply('one');
  const limits = [psqlApply(), baseline, bareApply('four')].filter((limit) => limit !== undefined);
  const contenders = [...limits, lockstep(dist), ...peers].map((contender) => ({
    ...contender,
    folder: folderFor(bench, contender, smallMigrations(count)),
  }));
  const medians = await interleaved(contenders, { rounds: quick ? 1 : 5 }, async ({ name, up, folder }) => {
    log(`A: ${name}`);
    return (await run(up(folder, (await server.newDatabase()).url))).durationMs;
  });
  const memory: (number | undefined)[] = [];
  for (const { up, folder } of contenders) {
    memory.push(await peakRssMiB(up(folder, (await server.newDatabase()).url)));
  }
  const baselineMs = medians[contenders.findIndex(({ name }) => name === baseline.name)]!;
  return table(
    [`${count} migrations`, 's', '× bare', 'RSS MiB'],
    contenders.map(({ name }, i) => [
      name,
      seconds(medians[i]!),
      times(medians[i]! / baselineMs),
      whole(memory[i]),
    ]),
  );
}
