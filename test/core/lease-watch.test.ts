import { describe, expect, test } from 'vitest';
import { type LeaseRecord, look, mayTakeOver } from '../../lib/core/lease/index.ts';

const held: LeaseRecord = {
  target: 'orders',
  state: 'HELD',
  holder: 'a',
  recordVersion: 'v1',
  durationMs: 30_000,
  token: 7,
};

describe('watching a lease', () => {
  test('the first look knows nothing about the past, however long ago it was', () => {
    expect(look(undefined, held, 999_999)).toEqual({ recordVersion: 'v1', unchangedMs: 0 });
  });

  test('time adds up while the version stays the same', () => {
    const watch = [10_000, 5_000].reduce((before, ms) => look(before, held, ms), look(undefined, held, 0));
    expect(watch).toEqual({ recordVersion: 'v1', unchangedMs: 15_000 });
  });

  test('another version starts it again', () => {
    const watch = look({ recordVersion: 'v0', unchangedMs: 29_999 }, held, 10_000);
    expect(watch).toEqual({ recordVersion: 'v1', unchangedMs: 0 });
  });

  test.each([
    ['silent for the whole duration', held, { recordVersion: 'v1', unchangedMs: 30_000 }, true],
    ['silent for a millisecond less', held, { recordVersion: 'v1', unchangedMs: 29_999 }, false],
    ['another version than the watched one', held, { recordVersion: 'v0', unchangedMs: 60_000 }, false],
    [
      'free',
      { ...held, state: 'FREE' as const, holder: '' },
      { recordVersion: 'v1', unchangedMs: 60_000 },
      false,
    ],
  ])('a take-over of a lease that is %s', (_, record, watch, expected) => {
    expect(mayTakeOver(watch, record)).toBe(expected);
  });
});
