import { describe, expect, it } from 'vitest';
import { inTurn } from '../../lib/engine/login-turns.ts';
import { VirtualClock } from '../support/virtual-clock.ts';

const AT_ONCE = 8;
const NEVER = new AbortController().signal;
let servers = 0;

function logins() {
  const clock = new VirtualClock();
  const server = `server ${++servers}`;
  const begun: number[] = [];
  const ends: (() => void)[] = [];
  const begin = (n: number, signal = NEVER, of = server) =>
    inTurn({ clock, server: of, signal }, async () => {
      begun.push(n);
      await new Promise<void>((resolve) => ends.push(resolve));
      return n;
    });
  const settled = () => new Promise((resolve) => setImmediate(resolve));
  return { clock, begun, ends, begin, settled };
}

describe('of many that log in to a server', () => {
  it('eight do at a time, and each that has lets the next one begin, in their order', async () => {
    const { begun, ends, begin, settled } = logins();
    const all = Array.from({ length: 20 }, (_, n) => begin(n));
    await settled();
    expect(begun).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
    for (const end of ends.splice(0, 3)) end();
    await settled();
    expect(begun).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    while (ends.length > 0) {
      ends.shift()!();
      await settled();
    }
    expect(await Promise.all(all)).toEqual(Array.from({ length: 20 }, (_, n) => n));
  });

  it('one that is slow, or fails, is in the way of nobody for longer than a moment', async () => {
    const { clock, begun, begin, settled } = logins();
    const failing = inTurn({ clock, server: `server ${servers}`, signal: NEVER }, () =>
      Promise.reject(new Error('no')),
    );
    await expect(failing).rejects.toThrow('no');
    for (let n = 0; n < 20; n += 1) void begin(n);
    await settled();
    expect(begun.length).toBe(AT_ONCE);
    await clock.run(149);
    expect(begun.length).toBe(AT_ONCE);
    await clock.run(1);
    await settled();
    expect(begun.length).toBe(2 * AT_ONCE);
  });

  it('one that gives up while it waits is not waited for, and another server is not concerned', async () => {
    const { begun, ends, begin, settled } = logins();
    const first = Array.from({ length: AT_ONCE }, (_, n) => begin(n));
    const giving = new AbortController();
    const late = begin(100, giving.signal);
    const next = begin(200);
    void begin(300, NEVER, 'another server');
    await settled();
    expect(begun).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 300]);
    giving.abort(new Error('enough'));
    await expect(late).rejects.toThrow('enough');
    await expect(begin(400, giving.signal)).rejects.toThrow('enough');
    ends[0]!();
    await first[0];
    await settled();
    expect(begun.slice(9)).toEqual([200]);
    void next;
  });
});
