import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import * as z from 'zod';
import { handlerFor, type Invocation } from '../../functions/_runtime/handler.ts';
import { LockstepError } from '../../lib/core/errors/index.ts';
import { contextOf } from './function-runtime.ts';

const input = z.object({ run: z.string(), count: z.number().int() });
const output = z.object({ doubled: z.number() });

const handlerOf = (
  run: (input: { run: string; count: number }, invocation: Invocation) => Promise<unknown>,
) =>
  handlerFor({
    name: 'migrate',
    input,
    output,
    runId: (parsed) => parsed.run,
    run: run as (input: unknown, invocation: Invocation) => Promise<{ doubled: number }>,
  });

const doubling = handlerOf(async ({ count }) => ({ doubled: count * 2, secret: 'not in the schema' }));
const failing = (error: unknown) => handlerOf(() => Promise.reject(error));
const event = { run: 'run-1', count: 21 };

/** What a promise rejects with. */
const rejection = async (promise: Promise<unknown>): Promise<Error> =>
  promise.then(
    (value) => {
      throw new Error(`resolved with ${JSON.stringify(value)}`);
    },
    (error: Error) => error,
  );

describe('the middleware stack', () => {
  test('gives the handler a parsed input and returns only what the output schema knows', async () => {
    expect(await doubling({ ...event, added: 'by a console' }, contextOf())).toEqual({ doubled: 42 });
  });

  test('refuses an input that is not understood, and names what is wrong with it', async () => {
    const error = await rejection(doubling({ run: 'run-1', count: 'many' }, contextOf()));
    expect(error).toMatchObject({ name: 'ConfigurationError', code: 'LS102' });
    expect(error.message).toContain('expected number');
    expect(error.message).toContain('count');
    expect(error.message).not.toContain('many');
  });

  test('does not let an output leave that does not fit: the state machine would fail later and worse', async () => {
    const error = await rejection(handlerOf(async () => ({ doubled: 'two' }))(event, contextOf()));
    expect(error).toMatchObject({ name: 'InternalError', code: 'LS901' });
  });

  test('lets errors leave under their catalogue name, without their cause', async () => {
    const cause = Object.assign(new Error('duplicate key'), {
      detail: 'Key (email)=(a@example.com) already exists.',
    });
    const thrown = new LockstepError('LS601', {
      what: 'A.',
      state: 'B.',
      remedy: 'C.',
      context: { sqlstate: '23505' },
      cause,
    });
    const error = await rejection(failing(thrown)(event, contextOf()));
    expect(error).toMatchObject({
      name: 'MigrationFailedError',
      code: 'LS601',
      message: 'LS601: A.\nB.\nC.',
      context: { sqlstate: '23505' },
    });
    expect(error.cause).toBeUndefined();
    expect(error.stack).toBe(thrown.stack);
  });

  test('turns whatever else is thrown into an InternalError', async () => {
    expect(await rejection(failing(new TypeError('x is not a function'))(event, contextOf()))).toMatchObject({
      name: 'InternalError',
      code: 'LS901',
    });
    expect(await rejection(failing('a string')(event, contextOf()))).toMatchObject({ name: 'InternalError' });
  });
});

describe('shortly before the function would be killed', () => {
  /** The signal aborts four seconds before the end: here, after a tenth of a second. */
  const context = () => contextOf(4_100);

  test('the signal aborts, and the handler that ends by itself then has the last word', async () => {
    const handler = handlerOf(async (_, { signal }) => {
      await delay(60_000, undefined, { signal }).catch(() => undefined);
      await delay(50);
      throw new LockstepError('LS604', { what: 'A.', state: 'B.', remedy: 'C.' });
    });
    expect(await rejection(handler(event, context()))).toMatchObject({ code: 'LS604' });
  });

  test('a handler that finishes its work in that time succeeds', async () => {
    const handler = handlerOf(async (_, { signal }) => {
      await delay(60_000, undefined, { signal }).catch(() => undefined);
      return { doubled: 1 };
    });
    expect(await handler(event, context())).toEqual({ doubled: 1 });
  });

  test('a handler that does not react is left behind with an InterruptedError', async () => {
    const handler = handlerOf(() => delay(10_000, undefined, { ref: false }));
    const startedMs = performance.now();
    expect(await rejection(handler(event, context()))).toMatchObject({
      name: 'InterruptedError',
      code: 'LS605',
    });
    // A second before the end: time enough for the reply.
    expect(performance.now() - startedMs).toBeLessThan(3_900);
  });

  test('the time that is left is counted up to the abort, and never below zero', async () => {
    const seen: number[] = [];
    const handler = handlerOf(async (_, { timeLeftMs }) => {
      seen.push(timeLeftMs());
      return { doubled: 1 };
    });
    await handler(event, contextOf(10_000));
    await handler(event, contextOf(1_000));
    expect(seen[0]).toBeGreaterThan(5_000);
    expect(seen[0]).toBeLessThanOrEqual(6_000);
    expect(seen[1]).toBe(0);
  });
});
