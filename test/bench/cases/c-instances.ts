/**
 * C: instances of an app that start at once, each of which migrates before it serves: 20 migrations of 50 ms, on an
 * empty database, and on one where only data is left to change (so that no CREATE TABLE keeps anybody from going on).
 */
import { type Bench, folderFor } from '../frame/bench.ts';
import { lockstep } from '../frame/built.ts';
import type { Contender } from '../frame/contender.ts';
import { createEffects, effect, effectsOf, ONCE } from '../frame/effects.ts';
import { manyInOne, type Race } from '../frame/many.ts';
import { errorIn, run, start } from '../frame/process.ts';
import { aheadOf, atMost, type CaseResult, type Target } from '../frame/result.ts';
import { median } from '../frame/rounds.ts';
import { ABSENT, seconds, table } from '../frame/table.ts';
import { peakConnections } from '../frame/watch.ts';
import { waiting } from './c-waiting.ts';

const STEPS = Array.from({ length: 20 }, (_, i) => effect(i + 2, 'pg_sleep(0.05)'));

interface Outcome extends Race {
  readonly effects: string;
  readonly peak: number;
}

interface Setting {
  readonly title: string;
  readonly instances: number;
  /** The table is there already. */
  readonly dataOnly: boolean;
  readonly inOneProcess: boolean;
}

function settings(quick: boolean): Setting[] {
  const processes = (quick ? [3] : [3, 10, 50]).flatMap((instances) =>
    [false, true].map((dataOnly) => ({
      title: `${instances} processes, ${dataOnly ? 'data only' : 'empty database'}`,
      instances,
      dataOnly,
      inOneProcess: false,
    })),
  );
  const inOne = (quick ? [1, 20] : [1, 200]).map((instances) => ({
    title: `${instances} in one process, empty database`,
    instances,
    dataOnly: false,
    inOneProcess: true,
  }));
  return [...processes, ...inOne];
}

/** Whoever takes longer is not measured again: that is what there is to see. */
const LONG_MS = 5_000;

export async function instances(bench: Bench): Promise<CaseResult> {
  const sections: string[] = [];
  const targets: Target[] = [];
  let aloneMs: number | undefined;
  // What fails with few instances is not tried with more.
  const failed = { dataOnly: new Set<string>(), empty: new Set<string>() };
  for (const setting of settings(bench.quick)) {
    const without = setting.dataOnly ? failed.dataOnly : failed.empty;
    const found = await compare(bench, setting, without);
    const rows = found.map(({ contender, outcomes }) => row(contender.name, outcomes, setting));
    const header = ['tool', 'fine', 'bodies ran', 'last ready s', 'peak connections', 'errors'];
    const left = without.size === 0 ? '' : `\n\nFailed with fewer already: ${[...without].join(', ')}.`;
    sections.push(`**${setting.title}**\n\n${table(header, rows)}${left}`);
    for (const { contender, outcomes } of found) {
      if (contender.kind === 'peer' && readyMs(outcomes, setting) === undefined) without.add(contender.name);
    }
    targets.push(...targetsOf(setting, found, aloneMs));
    if (setting.inOneProcess && setting.instances === 1) aloneMs = readyMs(found[0]!.outcomes, setting);
  }
  const costs = await waiting(bench);
  sections.push(`**What waiting costs the server**\n\n${costs.tables}`);
  return { tables: sections.join('\n\n'), targets: [...targets, ...costs.targets] };
}

interface Compared {
  readonly contender: Contender;
  readonly outcomes: readonly Outcome[];
}

function targetsOf(setting: Setting, found: readonly Compared[], aloneMs: number | undefined): Target[] {
  const { title, instances: count, inOneProcess } = setting;
  const [own, ...peers] = found;
  if (inOneProcess && count === 1) return [];
  const ready = readyMs(own!.outcomes, setting);
  const passing = peers.flatMap(({ contender: { name }, outcomes }) => {
    const value = readyMs(outcomes, setting);
    return value === undefined ? [] : [{ name, value }];
  });
  const peak = Math.max(...own!.outcomes.map((outcome) => outcome.peak));
  const isFirst = inOneProcess
    ? atMost(`C: ${title}: last ready, s`, 2 * (aloneMs ?? 0), ready, seconds)
    : aheadOf(`C: ${title}: all fine, each body once; last ready, s`, ready, passing, seconds);
  return [isFirst, atMost(`C: ${title}: peak connections`, count + 3, peak, String)];
}

/** Undefined unless every round went well. */
const readyMs = (outcomes: readonly Outcome[], setting: Setting): number | undefined =>
  outcomes.every((outcome) => isFine(outcome, setting))
    ? median(outcomes.map((outcome) => outcome.lastReadyMs))
    : undefined;

async function compare(
  bench: Bench,
  setting: Setting,
  without: ReadonlySet<string>,
): Promise<readonly Compared[]> {
  const contenders = [lockstep(bench.dist), ...bench.peers]
    .filter(({ module, name }) => !without.has(name) && (module !== undefined || !setting.inOneProcess))
    .map((contender) => ({
      contender,
      first: folderFor(bench, contender, [createEffects]),
      all: folderFor(bench, contender, [createEffects, ...STEPS]),
      outcomes: [] as Outcome[],
    }));
  for (let round = 1; round <= bench.rounds; round += 1) {
    for (const { contender, first, all, outcomes } of contenders) {
      // So has one that failed.
      if (outcomes.some((outcome) => !isFine(outcome, setting) || outcome.lastReadyMs > LONG_MS)) continue;
      bench.log(`C: ${setting.title}, round ${round}: ${contender.name}`);
      outcomes.push(await race(bench, setting, contender, { first, all }));
    }
  }
  return contenders;
}

const isFine = ({ fine, effects }: Outcome, { instances: count }: Setting): boolean =>
  fine === count && effects === ONCE;

function row(name: string, outcomes: readonly Outcome[], setting: Setting): string[] {
  const worst = outcomes.find((outcome) => !isFine(outcome, setting)) ?? outcomes[0]!;
  const { fine, effects, errors } = worst;
  // How long a failure takes is no figure.
  const ready = readyMs(outcomes, setting);
  const peak = Math.max(...outcomes.map((outcome) => outcome.peak));
  return [
    name,
    `${fine} of ${setting.instances}`,
    effects,
    ready === undefined ? ABSENT : seconds(ready),
    String(peak),
    errors.slice(0, 2).join('; ') || ABSENT,
  ];
}

async function race(
  { server, dist }: Bench,
  setting: Setting,
  contender: Contender,
  folders: { readonly first: string; readonly all: string },
): Promise<Outcome> {
  const database = await server.newDatabase();
  const { url } = database;
  if (setting.dataOnly) await run(contender.up(folders.first, url));
  const { result, peak } = await peakConnections(url, () =>
    setting.inOneProcess
      ? manyInOne({ dist, contender, folder: folders.all, url, count: setting.instances })
      : processes(contender, folders.all, url, setting.instances),
  );
  return { ...result, peak, effects: await effectsOf(database, STEPS) };
}

async function processes(contender: Contender, folder: string, url: string, count: number): Promise<Race> {
  const startedMs = performance.now();
  const ended = await Promise.all(
    Array.from({ length: count }, async () => {
      const one = await start(contender.up(folder, url)).ended;
      return { ...one, readyMs: performance.now() - startedMs };
    }),
  );
  const fine = ended.filter(({ exitCode }) => exitCode === 0);
  const failed = ended.filter(({ exitCode }) => exitCode !== 0);
  return {
    fine: fine.length,
    lastReadyMs: Math.max(...fine.map(({ readyMs }) => readyMs)),
    errors: [...new Set(failed.map(({ stderr, stdout }) => errorIn(`${stderr}\n${stdout}`)))],
  };
}
