/** AWS Step Functions, the part about task tokens: tasks that wait until somebody answers with their token. */
import { randomUUID } from 'node:crypto';
import { AwsError, type Service } from './service.ts';

/** The error as a state machine sees it. */
export class AnsweredWithFailure extends Error {
  constructor(error: string, cause: string) {
    super(cause);
    this.name = error;
  }
}

export interface Limits {
  readonly timeoutMs: number;
  /** Aborts when the execution has ended. */
  readonly stopped: AbortSignal;
}

interface Waiting {
  succeed(output: unknown): void;
  fail(error: Error): void;
}

export class TaskTokens {
  /** By token; null when its task waits no more. */
  readonly #tasks = new Map<string, Waiting | null>();

  newToken(): string {
    return Buffer.from(`${randomUUID()}${randomUUID()}`).toString('base64');
  }

  /**
   * An answer is taken from the moment of the call on, for so long. Rejects with AnsweredWithFailure, or when the
   * execution is stopped.
   */
  wait(token: string, { timeoutMs, stopped }: Limits): Promise<unknown> {
    const close = () => this.#tasks.set(token, null);
    setTimeout(close, timeoutMs).unref();
    return new Promise((succeed, fail) => {
      this.#tasks.set(token, { succeed, fail });
      const end = () => {
        close();
        fail(new Error('The execution has ended.'));
      };
      stopped.addEventListener('abort', end, { once: true });
    });
  }

  /** Of a token that is good for an answer, once. */
  #take(token: string): Waiting {
    const waiting = this.#tasks.get(token);
    if (waiting === undefined) throw new AwsError('InvalidToken', `Invalid token: '${token}'`);
    if (waiting === null) throw new AwsError('TaskTimedOut', 'Task Timed Out: The task is closed.');
    this.#tasks.set(token, null);
    return waiting;
  }

  readonly service: Service = {
    SendTaskSuccess: ({ taskToken, output }) => {
      const parsed = parse(output);
      this.#take(taskToken).succeed(parsed);
      return {};
    },
    SendTaskFailure: ({ taskToken, error = '', cause = '' }) => {
      this.#take(taskToken).fail(new AnsweredWithFailure(error, cause));
      return {};
    },
  };
}

function parse(output: string): unknown {
  try {
    return JSON.parse(output);
  } catch {
    throw new AwsError('InvalidOutput', `Invalid output: '${output}'`);
  }
}
