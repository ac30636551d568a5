/**
 * AWS Lambda: calls functions/<name>.ts in processes that have exactly the environment the template gives them. A
 * process serves one invocation at a time and is used again; invocations that overlap get one each. Functions
 * with the same environment share their processes, which spares the machine six cold starts. What the functions
 * write goes to a log file.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { closeSync, openSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { AnyFunctionName } from '../core/workflow/index.ts';
import { endProcess } from './child-process.ts';
import type { Invocation, InvocationResult } from './lambda-host.ts';

export interface FunctionDeployment {
  readonly environment: Readonly<Record<string, string>>;
  readonly timeoutMs: number;
}
export type FunctionDeployments = Readonly<Partial<Record<AnyFunctionName, FunctionDeployment>>>;

/** The error as Step Functions sees it: `name` is matched by Retry and Catch, the message is the Cause. */
export class TaskError extends Error {
  constructor(errorType: string, errorMessage: string) {
    super(JSON.stringify({ errorType, errorMessage }));
    this.name = errorType;
  }
}

const HOST = fileURLToPath(new URL('lambda-host.ts', import.meta.url));
const moduleOf = (name: AnyFunctionName): string =>
  new URL(`../../functions/${name}.ts`, import.meta.url).href;

interface Environment {
  readonly key: string;
  readonly process: ChildProcess;
  /** The function that is being served; null while idle. */
  serves: AnyFunctionName | null;
}

export class LambdaFunctions {
  readonly #deployments: FunctionDeployments;
  readonly #log: number;
  readonly #environments = new Set<Environment>();
  #calls = 0;
  #isStopped = false;

  constructor(deployments: FunctionDeployments, logFile: string) {
    this.#deployments = deployments;
    this.#log = openSync(logFile, 'a');
  }

  /** Invocations so far. */
  get calls(): number {
    return this.#calls;
  }

  /** The processes that serve this function at the moment. */
  serving(name: AnyFunctionName): ChildProcess[] {
    return [...this.#environments].filter(({ serves }) => serves === name).map((e) => e.process);
  }

  /** Throws TaskError: the handler's own error, `Lambda.Unknown` when its process ends, `Sandbox.Timedout`. */
  async invoke(name: AnyFunctionName, event: unknown): Promise<unknown> {
    if (this.#isStopped)
      throw new TaskError('Lambda.ResourceNotFoundException', 'The functions are stopped.');
    this.#calls++;
    const { timeoutMs } = this.#deploymentOf(name);
    const environment = this.#idleEnvironment(name) ?? this.#startEnvironment(name);
    environment.serves = name;
    const invocation = {
      module: moduleOf(name),
      functionName: name,
      requestId: randomUUID(),
      timeoutMs,
      event,
    };
    const result = await call(environment.process, invocation);
    environment.serves = null;
    if (result.ok) return result.value;
    throw new TaskError(result.errorType, result.errorMessage);
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    await Promise.all([...this.#environments].map((e) => endProcess(e.process)));
    closeSync(this.#log);
  }

  #deploymentOf(name: AnyFunctionName): FunctionDeployment {
    const deployment = this.#deployments[name];
    if (!deployment) throw new TaskError('Lambda.ResourceNotFoundException', `There is no function ${name}.`);
    return deployment;
  }

  #keyOf = (name: AnyFunctionName): string => JSON.stringify(this.#deploymentOf(name).environment);

  #idleEnvironment(name: AnyFunctionName): Environment | undefined {
    return [...this.#environments].find(({ serves, key }) => serves === null && key === this.#keyOf(name));
  }

  #startEnvironment(name: AnyFunctionName): Environment {
    const child = fork(HOST, {
      env: { PATH: process.env.PATH, ...this.#deploymentOf(name).environment },
      execArgv: [],
      stdio: ['ignore', this.#log, this.#log, 'ipc'],
      // Ctrl-C on the terminal is for the owner, who ends this process in its own time.
      detached: true,
    });
    const environment: Environment = { key: this.#keyOf(name), process: child, serves: null };
    this.#environments.add(environment);
    child.once('exit', () => this.#environments.delete(environment));
    return environment;
  }
}

function call(child: ChildProcess, invocation: Invocation): Promise<InvocationResult> {
  return new Promise((resolve) => {
    const end = (result: InvocationResult) => {
      clearTimeout(timer);
      child.removeListener('message', end);
      child.removeListener('exit', died);
      resolve(result);
    };
    const fail = (errorType: string, errorMessage: string) => end({ ok: false, errorType, errorMessage });
    const died = () => fail('Lambda.Unknown', 'The process of the function ended.');
    const timer = setTimeout(() => {
      child.kill('SIGKILL');
      fail('Sandbox.Timedout', `Task timed out after ${invocation.timeoutMs / 1000} seconds`);
    }, invocation.timeoutMs);
    child.on('message', end);
    child.once('exit', died);
    // A process that is gone says so by `exit`.
    child.send(invocation, () => undefined);
  });
}
