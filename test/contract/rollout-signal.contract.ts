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
  received(): readonly unknown[];
  /** What one delivery of it looks like at the other end. */
  arrivalOf(verdict: Verdict): unknown;
  /** Somebody waits for an answer again, where only who waits takes one. */
  waitAgain?(): void;
  /** From here on the other end refuses whatever is sent. */
  breakDown(): void;
  close(): Promise<void>;
}

const facts = { run: 'run-1', target: 'orders', bundleDigest: 'abc', restorePoint: null, durationMs: 5 };
export const rollOut = appliedVerdict(facts, nameList(['0001_a']));
export const rollBack = failedVerdict(facts, {
  error: { name: 'MigrationFailedError', code: 'LS601', message: 'LS601: "0001_a" failed – ä €.' },
  ledger: { applied: [], notApplied: ['0001_a'], partial: [], repeatables: [] },
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

    test('delivers a verdict, whether it says roll out or roll back', async () => {
      const { signal, received, arrivalOf } = harness;
      await signal.send(rollOut);
      harness.waitAgain?.();
      await signal.send(rollBack);
      expect(received()).toEqual([arrivalOf(rollOut), arrivalOf(rollBack)]);
      expect(arrivalOf(rollOut)).not.toEqual(arrivalOf(rollBack));
    });

    test('may be sent again: what arrives is the same, or nothing', async () => {
      await harness.signal.send(rollOut);
      await harness.signal.send(rollOut);
      for (const arrived of harness.received()) expect(arrived).toEqual(harness.arrivalOf(rollOut));
      expect(harness.received()).not.toEqual([]);
    });

    test('sends nothing for a verdict that has no signal', async () => {
      await harness.signal.send({ ...rollOut, outcome: 'dry-run', signal: 'NONE' });
      expect(harness.received()).toEqual([]);
    });

    test('says LS702 when it cannot be sent, with what is true of the database', async () => {
      harness.breakDown();
      const failure = harness.signal.send(rollBack);
      await expect(failure).rejects.toMatchObject({ code: 'LS702', state: rollBack.state });
      await expect(failure).rejects.toThrow(/ROLL_BACK of run run-1/);
    });
  });
}
