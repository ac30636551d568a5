import { expect, test } from 'vitest';
import { appliedSince, EMPTY_LEDGER, type LedgerState } from '../../lib/core/plan/index.ts';

const ledger = (more: object): LedgerState => ({ ...EMPTY_LEDGER, ...more }) as LedgerState;
const entry = (entryId: string, runId: string, kind = 'applied') => ({ entryId, runId, kind });

test('names the run that wrote the newest of what was applied meanwhile', () => {
  const now = ledger({ current: [entry('8', 'a'), entry('10', 'c'), entry('9', 'b')] });
  expect(appliedSince(now, ledger({ lastEntryId: '7' }))).toBe('c');
  expect(appliedSince(now, ledger({ lastEntryId: '10' }))).toBeNull();
  expect(appliedSince(now, ledger({ lastEntryId: '100' }))).toBeNull();
});

test('also that of a repeatable object, and none that applied nothing', () => {
  const repeatables = [{ entryId: '5', runId: 'r' }];
  expect(appliedSince(ledger({ current: [entry('4', 'a')], repeatables }), EMPTY_LEDGER)).toBe('r');
  const repaired = ledger({ current: [entry('4', 'a'), entry('6', 'b', 'repaired')] });
  expect(appliedSince(repaired, EMPTY_LEDGER)).toBe('a');
  expect(appliedSince(EMPTY_LEDGER, EMPTY_LEDGER)).toBeNull();
});
