import fc from 'fast-check';
import { expect, it } from 'vitest';
import { epochMs } from '../../lib/core/iso-time.ts';

it('agrees with what JavaScript makes of a time', () => {
  const times = fc.date({ min: new Date(0), max: new Date('2400-01-01'), noInvalidDate: true });
  fc.assert(
    fc.property(times, (date) => {
      expect(epochMs(date.toISOString())).toBeCloseTo(date.getTime(), 3);
    }),
  );
  expect(epochMs('2024-02-29T23:59:59Z')).toBe(Date.parse('2024-02-29T23:59:59Z'));
});

it('is not a number for anything else', () => {
  for (const text of ['', 'yesterday', '2026-01-01', '2026-01-01T00:00:00+01:00'])
    expect(epochMs(text)).toBeNaN();
});
