/**
 * Amazon ECS: runs the program of the container as a process of its own, with exactly the environment that the task
 * definition and the override give it, and tells its end as Step Functions would. What a container would add, an image
 * and a network, is not there; the program is run from its source.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { TASK_CONTAINER } from '../core/workflow/index.ts';
import { endProcess } from './child-process.ts';

export interface TaskDeployment {
  readonly environment: Readonly<Record<string, string>>;
  /** Between SIGTERM and SIGKILL. */
  readonly stopTimeoutMs: number;
  /** Arguments of the command `lockstep`; undefined for long work, which has a program of its own. */
  readonly command?: readonly string[] | undefined;
}

/** The part of RunTask's parameters that matters here. */
interface RunTask {
  readonly Overrides: {
    readonly ContainerOverrides: readonly [
      { readonly Name: string; readonly Environment: readonly { Name: string; Value: string }[] },
    ];
  };
}

/** As `ecs:runTask.sync` fails: the Cause is ECS's description of the task. */
class TaskFailed extends Error {
  override readonly name = 'States.TaskFailed';
}

const PROGRAM = fileURLToPath(new URL('../../functions/migrate-task.ts', import.meta.url));
const COMMAND = fileURLToPath(new URL('../../bin/lockstep.ts', import.meta.url));

const END_WITH_PARENT =
  'data:text/javascript,process.on("disconnect",()=>process.exit());process.channel.unref()';

export class EcsTasks {
  readonly #task: TaskDeployment;
  readonly #log: number;
  readonly #running = new Set<ChildProcess>();
  #started = 0;

  constructor(task: TaskDeployment, logFile: string) {
    this.#task = task;
    this.#log = openSync(logFile, 'a');
  }

  /** Tasks so far. */
  get started(): number {
    return this.#started;
  }

  running(): ChildProcess[] {
    return [...this.#running];
  }

  /** @param stop as StopTask: SIGTERM, and SIGKILL when that takes too long. Throws TaskFailed. */
  async run({ Overrides: { ContainerOverrides } }: RunTask, stop: AbortSignal): Promise<object> {
    const [{ Name, Environment }] = ContainerOverrides;
    if (Name !== TASK_CONTAINER) throw new Error(`The task has no container ${Name}`);
    const overridden = Object.fromEntries(Environment.map((each) => [each.Name, each.Value]));
    const { command } = this.#task;
    const child = fork(command ? COMMAND : PROGRAM, command ?? [], {
      env: { PATH: process.env.PATH, ...this.#task.environment, ...overridden },
      execArgv: ['--import', END_WITH_PARENT],
      stdio: ['ignore', this.#log, this.#log, 'ipc'],
      // Ctrl-C on the terminal is for the owner, who ends this process in its own time.
      detached: true,
    });
    this.#started++;
    this.#running.add(child);
    const stopping = () => this.#stop(child);
    stop.addEventListener('abort', stopping);
    const exitCode = await new Promise<number>((resolve) => {
      child.once('exit', (code, signal) => resolve(code ?? (signal === 'SIGKILL' ? 137 : 143)));
    });
    stop.removeEventListener('abort', stopping);
    this.#running.delete(child);
    const description = describe(exitCode, stop.aborted);
    if (exitCode !== 0) throw new TaskFailed(JSON.stringify(description));
    return description;
  }

  async stop(): Promise<void> {
    await Promise.all(this.running().map((child) => endProcess(child)));
    closeSync(this.#log);
  }

  #stop(child: ChildProcess): void {
    child.kill('SIGTERM');
    const kill = setTimeout(() => child.kill('SIGKILL'), this.#task.stopTimeoutMs);
    child.once('exit', () => clearTimeout(kill));
  }
}

const describe = (exitCode: number, isStopped: boolean) => ({
  Containers: [{ ExitCode: exitCode, LastStatus: 'STOPPED', Name: TASK_CONTAINER }],
  LastStatus: 'STOPPED',
  LaunchType: 'FARGATE',
  StopCode: isStopped ? 'UserInitiated' : 'EssentialContainerExited',
  StoppedReason: isStopped ? 'Stopped by AWS Step Functions' : 'Essential container in task exited',
});
