/** `npm run test:waiters`: 200 times ten who wait for an index build, and what it would be with a lock that blocks. */
import { afterEach, describe, expect, it } from 'vitest';
import { Session } from '../../lib/adapters/postgres/session.ts';
import { waitingInServer } from '../simulation/mutants.ts';
import { type Round, siteOfWaiters, tenWaiters } from './ten-waiters.ts';

const ROUNDS = 200;
const AT_ONCE = 2;

describe('an index that is built concurrently, while ten wait for the same run', () => {
  it('ends well each time', async () => {
    const sites = await Promise.all(Array.from({ length: AT_ONCE }, siteOfWaiters));
    const rounds: Round[] = [];
    const parts = sites.map(async (site) => {
      for (let done = 0; done < ROUNDS / AT_ONCE; done += 1) rounds.push(await tenWaiters(site));
    });
    await Promise.all(parts);
    const good = rounds.filter(({ problems }) => problems.length === 0);
    const slowest = Math.max(...rounds.map(({ ms }) => ms));
    const words = `${good.length} of ${rounds.length}, the slowest ${(slowest / 1000).toFixed(1)} s`;
    process.stdout.write(`\nCREATE INDEX CONCURRENTLY with ten waiters: ${words}\n\n`);
    expect(rounds.flatMap(({ problems }) => problems)).toEqual([]);
  }, 900_000);
});

describe('with a lock that is waited for in the server', () => {
  const { run } = Session.prototype;
  afterEach(() => {
    Session.prototype.run = run;
  });

  it('does not', async () => {
    const site = await siteOfWaiters();
    Session.prototype.run = function (this: Session, sql: string) {
      return run.call(this, waitingInServer(sql));
    };
    expect((await tenWaiters(site)).problems.join()).toMatch(/deadlock|hangs/);
  }, 120_000);
});
