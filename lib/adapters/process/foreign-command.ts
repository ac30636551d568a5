/**
 * A foreign command as a process group of its own, so that it can be ended with everything that it started. Its input is
 * ours; its output goes where ours goes, unread.
 *
 * Invariants: `ended` comes only when nothing of the group runs any more, also of a command that ended well and left
 * something behind; whatever ends this process (a second Ctrl-C, kill -9), ends the group. What makes itself a group of
 * its own (a daemon) is out of reach.
 *
 * What can fail: LS102 for what cannot be a program, before anything is recorded; LS803.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { constants } from 'node:os';
import { basename, delimiter, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import {
  type CommandEnd,
  commandNotStarted,
  type ForeignCommand,
  isDoubtfulProgram,
  notAProgram,
  type RunningCommand,
} from '../../core/foreign/index.ts';
import { anyAlive, tellGroup } from './process-group.ts';

export interface ForeignCommandOptions {
  /** Program and arguments; no shell reads them. */
  readonly argv: readonly [string, ...string[]];
  readonly env: NodeJS.ProcessEnv;
  /** To which of our streams its standard output goes. */
  readonly output: 'stdout' | 'stderr';
}

/** Throws LS102. */
export function foreignCommand({ argv, env, output }: ForeignCommandOptions): ForeignCommand {
  const [program, ...args] = argv;
  if (isDoubtfulProgram(program) && !isThere(program, env)) throw notAProgram();
  const name = basename(program);
  return {
    name,
    async start(variables) {
      try {
        const child = spawn(program, args, {
          env: { ...env, ...variables },
          stdio: ['inherit', output === 'stdout' ? 'inherit' : 2, 'inherit'],
          detached: true,
        });
        await once(child, 'spawn');
        return new RunningGroup(child);
      } catch (error) {
        const { code, name: kind } = error as NodeJS.ErrnoException;
        throw commandNotStarted(name, code ?? kind);
      }
    },
  };
}

function isThere(program: string, { PATH = '' }: NodeJS.ProcessEnv): boolean {
  const folders = program.includes('/') ? [''] : PATH.split(delimiter);
  return folders.some((folder) => existsSync(join(folder, program)));
}

/** What a command left behind that ended by itself. */
const LEFT_BEHIND_GRACE_MS = 5_000;
/** After SIGKILL; a process that the kernel does not let go cannot talk to a server. */
const DYING_TAKES_MS = 5_000;
const LOOK_EVERY_MS = 20;

class RunningGroup implements RunningCommand {
  readonly ended: Promise<CommandEnd>;
  readonly #id: number;
  readonly #timers: NodeJS.Timeout[] = [];
  #killedAtMs: number | undefined;

  constructor(child: ChildProcess) {
    this.#id = child.pid!;
    this.ended = this.#untilNothingRuns(child);
  }

  stop(graceMs: number): void {
    if (this.#timers.length === 0) tellGroup(this.#id, 'SIGTERM');
    this.#timers.push(setTimeout(this.#kill, graceMs));
  }

  async #untilNothingRuns(child: ChildProcess): Promise<CommandEnd> {
    const kill = this.#kill;
    process.on('exit', kill);
    const survivor = endWithThisProcess(this.#id);
    const [exitCode, signal] = await new Promise<[number | null, NodeJS.Signals | null]>((resolve) => {
      child.once('exit', (...end) => resolve(end));
    });
    if (this.#timers.length === 0 && anyAlive(this.#id)) this.stop(LEFT_BEHIND_GRACE_MS);
    while (anyAlive(this.#id) && !this.#isPastHope()) await delay(LOOK_EVERY_MS);
    for (const timer of this.#timers) clearTimeout(timer);
    survivor.dismiss();
    process.off('exit', kill);
    return { exitCode: exitCode ?? 128 + constants.signals[signal!], signal };
  }

  readonly #kill = (): void => {
    this.#killedAtMs ??= performance.now();
    tellGroup(this.#id, 'SIGKILL');
  };

  #isPastHope(): boolean {
    return this.#killedAtMs !== undefined && performance.now() - this.#killedAtMs > DYING_TAKES_MS;
  }
}

/** Reads until it is dismissed, or until nobody is there any more who could. */
const SURVIVOR = 'read -r line && exit 0; kill -s TERM -- "-$1"; sleep 1; kill -s KILL -- "-$1"';

/**
 * A shell that waits for the end of this process, and ends the group then: the lock is free at that moment, whatever
 * the command still does. Where there is no shell, it is done without.
 */
function endWithThisProcess(group: number): { dismiss(): void } {
  const shell = spawn('/bin/sh', ['-c', SURVIVOR, 'lockstep', String(group)], {
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
  });
  shell.on('error', () => undefined);
  shell.stdin.on('error', () => undefined);
  return { dismiss: () => shell.stdin.end('over\n') };
}
