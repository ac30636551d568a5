/** A program of ours in a process of its own, with the fault and the changes of source that it is given. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { COMPILE_CACHE } from '../support/compile-cache.ts';
import { INSTRUCTIONS, type Instructions } from './fault.ts';
import { until } from './until.ts';

const PRELOAD = new URL('preload.ts', import.meta.url).href;

export const PROGRAM = {
  lockstep: fileURLToPath(new URL('../../bin/lockstep.ts', import.meta.url)),
  attempt: fileURLToPath(new URL('attempt.ts', import.meta.url)),
} as const;

export interface Start extends Instructions {
  readonly program: keyof typeof PROGRAM;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

/** The JSON that our programs print. */
export interface Output {
  readonly applied?: readonly string[];
  readonly tookOverFrom?: string | null;
  readonly error?: { readonly code: string; readonly what: string };
}

export interface Ended {
  /** Null after a signal. */
  readonly exitCode: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly output: Output;
}

export class FaultyProcess {
  readonly #child: ChildProcess;
  readonly ended: Promise<Ended>;
  readonly #continued = Promise.withResolvers<void>();
  /** A link in front of the table has failed it. */
  isStruck = false;
  #told = '';

  constructor({ program, args, env, edits, fault }: Start) {
    const instructions: Instructions = { edits, fault };
    const child = spawn(process.execPath, ['--import', PRELOAD, PROGRAM[program], ...args], {
      env: { PATH: process.env.PATH, ...COMPILE_CACHE, ...env, [INSTRUCTIONS]: JSON.stringify(instructions) },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#child = child;
    child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
      this.#told += chunk;
    });
    const printed = text(child.stdout);
    this.ended = new Promise((resolve, reject) => {
      child.once('error', reject);
      child.once('close', (exitCode, signal) =>
        printed
          .then((stdout) => resolve({ exitCode, signal, output: this.#outputIn(stdout, signal) }))
          .catch(reject),
      );
    });
    // It is awaited when the scenario gets so far.
    this.ended.catch(() => undefined);
  }

  /** What it has written for people so far. */
  get told(): string {
    return this.#told;
  }

  /** Fulfilled when it was told to go on. */
  get continued(): Promise<void> {
    return this.#continued.promise;
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
    if (signal === 'SIGCONT') this.#continued.resolve();
  }

  /** Returns when the system says that it stands still, or is gone, by this signal. Throws when it ends by itself. */
  async hasFailed(kind: 'SIGKILL' | 'SIGSTOP'): Promise<void> {
    if (kind === 'SIGSTOP') return until('the process stops', () => this.#isStopped());
    const { signal } = await this.ended;
    if (signal !== 'SIGKILL') throw new Error(`It ended by itself:\n${this.#told}`);
  }

  #isStopped(): boolean {
    const { pid, exitCode } = this.#child;
    if (exitCode !== null) throw new Error(`It ended instead of stopping:\n${this.#told}`);
    return stateOf(pid!).startsWith('T');
  }

  /** Returns when it has written that for people. */
  says(pattern: RegExp): Promise<void> {
    return until(`the process says ${pattern}`, () => pattern.test(this.#told));
  }

  /** Kills it when it has not ended by then, and gives undefined. */
  async endedWithin(limitMs: number): Promise<Ended | undefined> {
    const over = new AbortController();
    const limit = sleep(limitMs, undefined, { signal: over.signal }).catch(() => undefined);
    const ended = await Promise.race([this.ended, limit]);
    over.abort();
    if (!ended) await this.kill();
    return ended ?? undefined;
  }

  async kill(): Promise<void> {
    this.signal('SIGKILL');
    await this.ended.catch(() => undefined);
  }

  /** What breaks in a way that nobody thought of proves nothing, least of all that a mutant is ill. */
  #outputIn(stdout: string, signal: NodeJS.Signals | null): Output {
    if (signal !== null) return {};
    const output = parsed(stdout);
    const isDefect = output?.error?.what.startsWith('Unexpected error');
    if (!output || isDefect) throw new Error(`It broke: ${stdout}\n${this.#told}`);
    return output;
  }
}

function parsed(json: string): Output | undefined {
  try {
    return JSON.parse(json) as Output;
  } catch {
    return undefined;
  }
}

/** As `ps` shows it: T for one that is stopped. */
function stateOf(pid: number): string {
  if (process.platform !== 'linux') {
    return execFileSync('ps', ['-o', 'state=', '-p', String(pid)], { encoding: 'utf8' }).trim();
  }
  // The name of the command, in parentheses, may contain anything.
  return readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1) ?? '';
}
