/** Where a worker runs: it can crash, stand still, and be cut off; its messages take their time, and may be lost. */
import type { Clock } from '../../lib/core/clock.ts';
import type { VirtualClock } from '../support/virtual-clock.ts';

export interface HostFaults {
  /** Chances, each time that something reaches the host. */
  readonly crash: number;
  readonly standstill: number;
  /** Chance per message to PostgreSQL that its connection is cut. */
  readonly cut: number;
  /** Chance per request to the register, and per reply; half of them arrive all the same, late. */
  readonly lost: number;
  /** Longest. */
  readonly standstillMs: number;
  readonly delayMs: number;
}

export const NO_FAULTS: HostFaults = {
  crash: 0,
  standstill: 0,
  cut: 0,
  lost: 0,
  standstillMs: 0,
  delayMs: 1,
};

export class Host {
  readonly name: string;
  readonly faults: HostFaults;
  readonly time: VirtualClock;
  readonly random: () => number;
  readonly clock: Clock;
  isCrashed = false;
  #standsUntilMs = 0;
  /** Told when it crashes: its operating system closes its sockets. */
  readonly onCrash = new Set<() => void>();

  constructor(name: string, faults: HostFaults, time: VirtualClock, random: () => number) {
    this.name = name;
    this.faults = faults;
    this.time = time;
    this.random = random;
    const skewMs = (random() - 0.5) * 1_200_000;
    this.clock = {
      nowMs: () => time.nowMs() + skewMs,
      random,
      sleep: async (ms, signal) => {
        await time.sleep(ms, signal);
        await this.arrive();
      },
    };
  }

  chance(share: number): boolean {
    return share > 0 && this.random() < share;
  }

  /** Time on the way. */
  travel(): Promise<void> {
    return this.time.sleep(Math.ceil(this.random() * this.faults.delayMs));
  }

  /** Something reaches it: a timer, a reply. Never returns when it has crashed; returns later while it stands still. */
  async arrive(): Promise<void> {
    const { crash, standstill, standstillMs } = this.faults;
    if (!this.isCrashed && this.chance(crash)) this.#crash();
    if (this.chance(standstill)) this.#standsUntilMs = this.time.nowMs() + this.random() * standstillMs;
    while (!this.isCrashed && this.time.nowMs() < this.#standsUntilMs)
      await this.time.sleep(this.#standsUntilMs - this.time.nowMs());
    if (this.isCrashed) await new Promise(() => undefined);
  }

  #crash(): void {
    this.isCrashed = true;
    for (const close of this.onCrash) close();
  }
}
