/** F, second part: from the start of the process to the first query that it sends; Node and its imports are in it. */
import { type Bench, folderFor, smallMigrations } from '../frame/bench.ts';
import { lockstep, withoutCodeCache } from '../frame/built.ts';
import type { Contender } from '../frame/contender.ts';
import { bareFirstQuery } from '../frame/limits.ts';
import { run } from '../frame/process.ts';
import { atMost, type CaseResult } from '../frame/result.ts';
import { interleaved } from '../frame/rounds.ts';
import { table, times, whole } from '../frame/table.ts';
import { firstQueryMs } from '../frame/wire.ts';

export async function firstQuery(bench: Bench): Promise<CaseResult> {
  bench.log('F: the first query');
  const installed = lockstep(bench.dist);
  const folder = folderFor(bench, installed, smallMigrations(3));
  const { url } = await bench.server.newDatabase();
  await run(installed.up(folder, url));
  const contenders: Contender[] = [bareFirstQuery, installed, withoutCodeCache(installed)];
  const settings = { rounds: 4 * bench.rounds + 1, warmUp: true };
  const medians = await interleaved(contenders, settings, ({ up }) =>
    firstQueryMs((proxied) => up(folder, proxied), url),
  );
  const ratios = medians.map((ms) => ms / medians[0]!);
  const rows = contenders.map(({ name }, i) => [name, times(ratios[i]!), whole(medians[i]!)]);
  return {
    tables: table(['start to the first query', '× bare', 'ms'], rows),
    targets: [
      atMost('F: start to the first query, of the bare script', 1.3, ratios[1], times),
      atMost('F: the same at the first start in a place', 1.3, ratios[2], times),
    ],
  };
}
