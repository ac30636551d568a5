/** The parent's side of app instances: starting them, hearing from them, ending them. */
import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { LockstepError, NOTHING_CHANGED } from '../core/errors/index.ts';
import type { InstanceEvent, InstanceMessage, InstanceOptions, InstanceReady } from './app-instance.ts';
import { endProcess } from './child-process.ts';

const PROGRAM = fileURLToPath(new URL('app-instance.ts', import.meta.url));

export interface AppInstance {
  readonly name: string;
  readonly pid: number | undefined;
  /** Rejects with the LockstepError that kept it from serving. */
  readonly ready: Promise<InstanceReady>;
  /** What GET /healthz answers; 0 when nobody answers. */
  health(): Promise<number>;
  stop(): Promise<void>;
}

export function startInstance(
  name: string,
  options: InstanceOptions,
  environment: NodeJS.ProcessEnv,
  onEvent: (event: InstanceEvent) => void,
): AppInstance {
  const child = fork(PROGRAM, {
    env: { PATH: process.env.PATH, ...environment },
    execArgv: [],
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    // Ctrl-C on the terminal is for the owner, who ends this process in its own time.
    detached: true,
  });
  const ready = untilReady(name, child, onEvent);
  // Whoever waits for it later still gets the rejection.
  ready.catch(() => undefined);
  child.send(options, () => undefined);
  return {
    name,
    pid: child.pid,
    ready,
    health: async () => healthAt((await ready).port),
    stop: () => endProcess(child),
  };
}

function untilReady(
  name: string,
  child: ChildProcess,
  onEvent: (event: InstanceEvent) => void,
): Promise<InstanceReady> {
  return new Promise((resolve, reject) => {
    child.once('exit', () => reject(endedEarly(name)));
    child.on('message', (message: InstanceMessage) => {
      switch (message.kind) {
        case 'event':
          return onEvent(message.event);
        case 'ready':
          return resolve(message);
        case 'failed':
          return reject(new LockstepError(message.code, message.details));
        default:
          return message satisfies never;
      }
    });
  });
}

async function healthAt(port: number): Promise<number> {
  const signal = AbortSignal.timeout(5_000);
  return fetch(`http://127.0.0.1:${port}/healthz`, { signal }).then(
    ({ status }) => status,
    () => 0,
  );
}

const endedEarly = (name: string): LockstepError =>
  new LockstepError('LS901', {
    what: `The app instance ${name} ended before it was ready.`,
    state: NOTHING_CHANGED,
    remedy: 'Run it again; if it happens again, report it.',
  });
