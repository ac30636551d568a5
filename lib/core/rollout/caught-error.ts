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
/** Step Functions' own name for an event that was not taken: only signals put events. */
const FROM_EVENTS = /^EventBridge\./;

export function runErrorOf(caught: {
  readonly Error: string;
  readonly Cause?: string | undefined;
}): RunError {
  const { Error: name, Cause: cause = '' } = caught;
  const told = fromLambda(cause) ?? cause;
  const own = ownCodeOf(told);
  if (own) return { name, code: own, message: firstLine(told).slice(0, LONGEST_MESSAGE) };
  const code = FROM_EVENTS.test(name) ? 'LS702' : 'LS901';
  const step =
    code === 'LS702' ? 'The signal could not be sent' : `A step of the workflow ended with ${name}`;
  const more = told.slice(0, LONGEST_MESSAGE).replace(/\.?\s*$/, '.');
  return { name, code, message: `${code}: ${step}${more === '.' ? '.' : `: ${more}`}` };
}

/** Of Lockstep's own errors: what is true of the database is another thing after a roll back. */
const firstLine = (told: string): string => told.split('\n')[0] ?? told;

function fromLambda(cause: string): string | undefined {
  try {
    const { errorMessage } = JSON.parse(cause) as { errorMessage?: unknown };
    return typeof errorMessage === 'string' ? errorMessage : undefined;
  } catch {
    return undefined;
  }
}

function ownCodeOf(told: string): ErrorCode | undefined {
  const code = CODE_PREFIX.exec(told)?.[1];
  return code !== undefined && code in CATALOGUE ? (code as ErrorCode) : undefined;
}
