import type { RollOutSignal, Verdict } from '../../core/rollout/index.ts';

/** Keeps what was signalled: for a process that is its own deployer, and for tests. */
export class MemorySignal implements RollOutSignal {
  readonly sent: Verdict[] = [];

  async send(verdict: Verdict): Promise<void> {
    if (verdict.signal !== 'NONE') this.sent.push(verdict);
  }
}
