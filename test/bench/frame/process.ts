/** Programs in processes of their own: how long they take, how they end, how much memory they use. */
import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Program } from './contender.ts';

export interface Ended {
  /** Null when a signal ended it. */
  readonly exitCode: number | null;
  readonly durationMs: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Running {
  readonly child: ChildProcess;
  readonly ended: Promise<Ended>;
}

/** Of the surrounding environment only what programs need: a developer's DATABASE_URL must not leak in. */
const environment = (extra: NodeJS.ProcessEnv): NodeJS.ProcessEnv => {
  const { PATH, HOME, TMPDIR } = process.env;
  return { PATH, HOME, TMPDIR, ...extra };
};

export function start(
  { file, args, env = {} }: Program,
  extra: NodeJS.ProcessEnv = {},
  cwd?: string,
): Running {
  const startedMs = performance.now();
  const child = spawn(file, args, {
    cwd,
    env: environment({ ...env, ...extra }),
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const exit = new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  const ended = Promise.all([exit, text(child.stdout!), text(child.stderr!)]).then(
    ([exitCode, stdout, stderr]) => ({ exitCode, durationMs: performance.now() - startedMs, stdout, stderr }),
  );
  return { child, ended };
}

/** Throws unless it ends with 0. */
export async function run(program: Program, extra?: NodeJS.ProcessEnv, cwd?: string): Promise<Ended> {
  const ended = await start(program, extra, cwd).ended;
  if (ended.exitCode === 0) return ended;
  throw new Error(`${[program.file, ...program.args].join(' ')} failed:\n${ended.stderr}${ended.stdout}`);
}

/** Undefined when it has not ended within the limit; then it is ended. */
export async function within(limitMs: number, { child, ended }: Running): Promise<Ended | undefined> {
  const over = new AbortController();
  const late = sleep(limitMs, undefined, { signal: over.signal }).catch(() => undefined);
  const result = await Promise.race([ended, late]);
  over.abort();
  if (result === undefined) child.kill('SIGKILL');
  return result;
}

/** The most memory that the program had in use, as the kernel counted; undefined where that cannot be read. */
export async function peakRssMiB(program: Program): Promise<number | undefined> {
  const running = start(program);
  let over = false;
  let peakKiB = 0;
  running.ended.finally(() => {
    over = true;
  });
  while (!over) {
    peakKiB = Math.max(peakKiB, highWaterKiB(running.child.pid));
    await sleep(2);
  }
  return peakKiB > 0 ? peakKiB / 1024 : undefined;
}

function highWaterKiB(pid: number | undefined): number {
  try {
    return Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0);
  } catch {
    return 0;
  }
}

/** What went wrong, in a few words: the first line that names an error, without the code around it. */
export function errorIn(output: string): string {
  const lines = output.split('\n').map((line) => line.trim());
  const named = lines.map((line) => /^\w*(?:Error|error|ERROR|Locked): (.+)/.exec(line)?.[1]).find(Boolean);
  return (named ?? lines.find((line) => line !== '') ?? 'no message').replaceAll('|', '/').slice(0, 70);
}
