/** Copies for rehearsals: how they are called, how long one is waited for, and which nobody needs any more. */
import { expect, test } from 'vitest';
import { COPY_BUDGET_SECONDS, noCopy, stepCopy } from '../../lib/core/rehearsal/copy-progress.ts';
import { copyId, expiredCopies } from '../../lib/core/rehearsal/copy-store.ts';

const RUN = { execution: 'arn:run-1', startedAt: '2026-11-21T15:00:00Z' };

test('each try of each run has an id of its own, which RDS takes', () => {
  const ids = [
    copyId('orders', RUN, 1),
    copyId('orders', RUN, 2),
    copyId('users', RUN, 1),
    copyId('orders', { ...RUN, startedAt: '2026-11-21T16:00:00Z' }, 1),
  ];
  expect(new Set(ids).size).toBe(4);
  for (const id of ids) expect(`${id}-1`).toMatch(/^lockstep-copy-[a-z0-9]{16}-1$/);
  expect(copyId('orders', RUN, 1)).toBe(ids[0]);
});

test('the waits for a copy grow, are counted, and end', () => {
  let copy = noCopy('a');
  const waits: number[] = [];
  for (let i = 0; i < 9; i += 1) {
    copy = stepCopy(copy, { kind: 'creating' });
    waits.push(copy.waitSeconds);
  }
  expect(waits).toEqual([2, 3, 5, 8, 12, 18, 27, 30, 30]);
  expect(copy.waitedSeconds).toBe(2 + 3 + 5 + 8 + 12 + 18 + 27 + 30);
  const late = { ...copy, waitedSeconds: COPY_BUDGET_SECONDS };
  expect(() => stepCopy(late, { kind: 'creating' })).toThrow(expect.objectContaining({ code: 'LS740' }));
  expect(stepCopy(late, { kind: 'ready', host: 'h', port: 5 })).toMatchObject({
    status: 'ready',
    host: 'h',
    port: 5,
    waitSeconds: 0,
  });
});

test('an expired copy is known by its time only', () => {
  const copies = [
    { id: 'a', expiresMs: 10 },
    { id: 'b', expiresMs: 11 },
    { id: 'c', expiresMs: null },
    { id: 'a', expiresMs: 9 },
  ];
  expect(expiredCopies(copies, 10)).toEqual(['a']);
});
