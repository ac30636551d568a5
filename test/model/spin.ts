/**
 * One search of a model by Spin: Promela → a program in C → all states that can be reached, or the first that
 * violates something. A search that broke off (memory, depth) has shown nothing, and is told from one that was exhaustive.
 */
import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

export type ModelName = 'protocol' | 'lease';

export interface Search {
  readonly model: ModelName;
  /** Parameters and what a mutant lacks, as the model's `#define`s. */
  readonly defines: Readonly<Record<string, number | true>>;
  /** The one property that is looked at, such as I4; else all. */
  readonly only?: string;
  /** Looks for executions without an end instead of violated assertions and for who is stuck. */
  readonly looksForCycles?: boolean;
}

export type Outcome =
  | { readonly kind: 'exhausted'; readonly states: number; readonly depth: number; readonly ms: number }
  | { readonly kind: 'violated'; readonly property: string; readonly atDepth: number }
  | { readonly kind: 'incomplete'; readonly why: string };

/** What a state without a next step violates, and what a cycle does. */
export const STUCK = 'I6_every_run_ends (somebody is stuck)';
export const ENDLESS = 'I6_every_run_ends (it goes round for ever)';

const MODELS = new URL('../../docs/model/', import.meta.url).pathname;
const SPIN = process.env.SPIN ?? 'spin';
const COMPILER = process.env.CC ?? 'gcc';
const MEMORY_MB = 6_000;
const DEPTH = 2_000_000;

/** By their bits in CHECKS. */
const BITS = ['', 'I1', 'I2', 'I3', 'I4', 'I5', 'I6', 'I7', 'I8', 'I9', 'I10', 'K'];

const run = promisify(execFile);
const OUTPUT = { maxBuffer: 64 * 2 ** 20 };

/** As they say it themselves. Throws when one of them cannot be started. */
export async function checkerVersion(): Promise<string> {
  const [spin, compiler] = await Promise.all([run(SPIN, ['-V']), run(COMPILER, ['--version'])]);
  return `${spin.stdout.trim()}; ${compiler.stdout.split('\n')[0]}`;
}

/** Throws when the model is not understood, or a program cannot be started. */
export async function search({ model, defines, only, looksForCycles = false }: Search): Promise<Outcome> {
  const folder = await mkdtemp(join(tmpdir(), 'lockstep-model-'));
  const inFolder = { cwd: folder, ...OUTPUT };
  try {
    const checks = only === undefined ? {} : { CHECKS: 1 << BITS.indexOf(only) };
    const all: Search['defines'] = { ...defines, ...checks };
    const parameters = Object.entries(all).map(([name, value]) =>
      value === true ? `-D${name}` : `-D${name}=${value}`,
    );
    await run(SPIN, ['-a', ...parameters, join(MODELS, `${model}.pml`)], inFolder);
    const kind = looksForCycles ? ['-DNP'] : ['-DSAFETY'];
    const limits = [`-DMEMLIM=${MEMORY_MB}`, '-DVECTORSZ=4096', '-DCOLLAPSE', '-DNOFAIR'];
    await run(COMPILER, ['-O1', '-w', ...kind, ...limits, '-o', 'pan', 'pan.c'], inFolder);
    const startedMs = performance.now();
    const flags = [...(looksForCycles ? ['-l'] : []), ...(only !== undefined && only !== 'I6' ? ['-E'] : [])];
    const { stdout } = await run('./pan', [`-m${DEPTH}`, ...flags], inFolder);
    return outcomeIn(stdout, performance.now() - startedMs);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** `assertion violated ((…)||I4_nobody_…)`: each property ends with its name. */
const PROPERTY = /\|\|([IK]\w*_\w+)\)/;

function outcomeIn(printed: string, ms: number): Outcome {
  const number = (pattern: RegExp) => Number(pattern.exec(printed)?.[1] ?? Number.NaN);
  const states = number(/^\s*(\d+) states, stored/m);
  const depth = number(/depth reached (\d+)/);
  const [, told] = /^pan:\d+: (.*)$/m.exec(printed) ?? [];
  if (told === undefined) {
    const isWhole = !/Search not completed|max search depth too small|out of memory/.test(printed);
    if (isWhole && /errors: 0/.test(printed)) return { kind: 'exhausted', states, depth, ms };
    return { kind: 'incomplete', why: printed.trim().split('\n')[0] ?? '' };
  }
  const property = propertyIn(told);
  if (property === undefined) return { kind: 'incomplete', why: told };
  return { kind: 'violated', property, atDepth: Number(/at depth (\d+)/.exec(told)?.[1]) };
}

function propertyIn(told: string): string | undefined {
  if (told.startsWith('invalid end state')) return STUCK;
  if (told.startsWith('non-progress cycle')) return ENDLESS;
  return PROPERTY.exec(told)?.[1];
}
