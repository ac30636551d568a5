/** What every roll-out signal promises; `received` is what arrived at the other end. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  appliedVerdict,
  failedVerdict,
  nameList,
  type RollOutSignal,
  type Verdict,
} from '../../lib/core/rollout/index.ts';

export interface SignalHarness {
  readonly signal: RollOutSignal;
  received(): readonly Verdict[];
  close(): Promise<void>;
}

const facts = { run: 'run-1', target: 'orders', bundleDigest: 'abc', restorePoint: null, durationMs: 5 };
export const rollOut = appliedVerdict(facts, nameList(['0001_a']));
export const rollBack = failedVerdict(facts, {
  error: { name: 'MigrationFailedError', code: 'LS601', message: 'LS601: "0001_a" failed – ä €.' },
  ledger: { applied: [], notApplied: ['0001_a'], partial: [] },
  reverted: [],
  reversion: { kind: 'done' },
});

export function describeRollOutSignal(name: string, open: () => Promise<SignalHarness>): void {
  describe(name, () => {
    let harness: SignalHarness;
    beforeEach(async () => {
      harness = await open();
    });
    afterEach(() => harness.close());

    test('delivers a verdict whole, whether it says roll out or roll back', async () => {
      await harness.signal.send(rollOut);
      await harness.signal.send(rollBack);
      expect(harness.received()).toEqual([rollOut, rollBack]);
    });

    test('may be sent again: each delivery carries the run, by which a receiver drops repeats', async () => {
      await harness.signal.send(rollOut);
      await harness.signal.send(rollOut);
      expect(new Set(harness.received().map((verdict) => verdict.run))).toEqual(new Set(['run-1']));
    });

    test('sends nothing for a verdict that has no signal', async () => {
      await harness.signal.send({ ...rollOut, outcome: 'dry-run', signal: 'NONE' });
      expect(harness.received()).toEqual([]);
    });
  });
}
