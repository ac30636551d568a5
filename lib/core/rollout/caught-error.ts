/**
 * The error that a workflow's Catch hands on. Its Cause is JSON from Lambda, or text from another service, or
 * cut, or missing: whatever can be read of it is used.
 */
import { CATALOGUE, type ErrorCode } from '../errors/index.ts';
import type { Verdict } from './verdict.ts';

export type RunError = NonNullable<Verdict['error']>;

/** Far below the 256 KiB of a state's output; Lockstep's own messages are a few hundred characters. */
const LONGEST_MESSAGE = 4_000;
const CODE_PREFIX = /^(LS\d{3}): /;

export function runErrorOf(caught: {
  readonly Error: string;
  readonly Cause?: string | undefined;
}): RunError {
  const cause = caught.Cause ?? '';
  const told = (fromLambda(cause) ?? cause) || `A step of the workflow ended with ${caught.Error}.`;
  const message = whatHappened(told);
  return { name: caught.Error, code: codeOf(message), message: message.slice(0, LONGEST_MESSAGE) };
}

/** Of Lockstep's own errors the first line: what is true of the database is another thing after a roll back. */
const whatHappened = (told: string): string =>
  CODE_PREFIX.test(told) ? (told.split('\n')[0] ?? told) : told;

function fromLambda(cause: string): string | undefined {
  try {
    const { errorMessage } = JSON.parse(cause) as { errorMessage?: unknown };
    return typeof errorMessage === 'string' ? errorMessage : undefined;
  } catch {
    return undefined;
  }
}

function codeOf(message: string): ErrorCode {
  const code = CODE_PREFIX.exec(message)?.[1];
  return code !== undefined && code in CATALOGUE ? (code as ErrorCode) : 'LS901';
}
