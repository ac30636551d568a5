import { describe, expect, test } from 'vitest';
import { type Migration, neededMs, placeOf, type Room } from '../../lib/core/plan/index.ts';

const migration = (expectedDurationMs?: number): Migration => {
  const up = { file: '0042_x.sql', sha256: '', normalizedSha256: '', sql: '', statements: [] };
  const settings = expectedDurationMs === undefined ? {} : { expectedDurationMs };
  return { revision: '0042', slug: 'x', phase: 'expand', settings, up, hazards: [] };
};
const measured = (durationMs: number, name = '0042_x') => [{ migration: name, durationMs }];
const ROOM: Room = { leftMs: 600, wholeMs: 1_000, hasTask: true, isFirst: false };

describe('the time that a migration needs', () => {
  test.each([
    ['nothing is known', undefined, [], undefined],
    ['its author expects it to take a while', 900, [], 900],
    ['it was measured elsewhere', undefined, measured(400), 800],
    ['it was expected to be shorter than it was', 500, measured(400), 800],
    ['it was measured where there is less data than its author knows of', 900, measured(400), 900],
    ['another one was measured', undefined, measured(400, '0043_y'), undefined],
    ['it was measured twice', undefined, [...measured(400), ...measured(300)], 800],
  ])('when %s', (_, expected, known, needed) => {
    expect(neededMs(migration(expected), known)).toBe(needed);
  });
});

describe('the place where a migration runs', () => {
  test.each([
    ['of unknown length', undefined, {}, 'here'],
    ['that fits', 600, {}, 'here'],
    ['that fits into a call of its own', 601, {}, 'next-call'],
    ['that fits into a call of its own, without tasks', 601, { hasTask: false }, 'next-call'],
    ['that fits into no call', 1_001, {}, 'task'],
    ['that fits into no call, first in this one', 1_001, { isFirst: true }, 'task'],
    ['that does not fit into the rest of a call that has just begun', 601, { isFirst: true }, 'here'],
    ['that fits into no call, without tasks', 1_001, { hasTask: false }, 'next-call'],
    ['that fits into no call, first, without tasks', 1_001, { hasTask: false, isFirst: true }, 'here'],
  ] as const)('%s', (_, needed, room, place) => {
    expect(placeOf(needed, { ...ROOM, ...room })).toBe(place);
  });
});
