/** A foreign command in a run that holds the lease already: begun once, whoever asks, and under the run's own lease. */
import { expect, it } from 'vitest';
import { MemoryLeaseStore } from '../../lib/adapters/memory/index.ts';
import type { CommandEnd, ForeignCommand } from '../../lib/core/foreign/index.ts';
import type { LeaseStore } from '../../lib/core/lease/index.ts';
import { execInRun } from '../../lib/engine/exec.ts';
import { failureOf, leaseOf, type Site, siteForTest } from './site.ts';

const RESTORE_POINT = { restorePoint: 'snapshot-1', restoreRecord: undefined };

/** Runs until it is told to end, or until `finish` is called. */
function held() {
  const begun = Promise.withResolvers<void>();
  const end = Promise.withResolvers<CommandEnd>();
  let begins = 0;
  const command: ForeignCommand = {
    name: 'held',
    start: async () => {
      begins += 1;
      begun.resolve();
      const stop = () => end.resolve({ exitCode: 143, signal: 'SIGTERM' });
      return { ended: end.promise, stop };
    },
  };
  const finish = () => end.resolve({ exitCode: 0, signal: null });
  return { command, begun: begun.promise, finish, begins: () => begins };
}

async function run(site: Site, runId: string, leases = new MemoryLeaseStore()) {
  const lease = { ...(await leaseOf(leases, `execution:${runId}`)), token: 0 };
  const { database, clock } = site.context();
  const exec = (command: ForeignCommand) =>
    execInRun({ database, clock, runId, leases, lease, command, ...RESTORE_POINT });
  return { leases, lease, exec };
}

it('records the run with its restore point, and leaves the lease to the run', async () => {
  const site = await siteForTest();
  const { exec, leases, lease } = await run(site, 'run-1');
  const { command, finish } = held();
  finish();
  expect(await exec(command)).toMatchObject({ exitCode: 0, error: undefined, token: 1 });
  const facts = await site.rows('SELECT run_id, holder, verdict, restore_point FROM lockstep.run');
  expect(facts).toEqual([
    { run_id: 'run-1', holder: 'execution:run-1', verdict: 'applied', restore_point: 'snapshot-1' },
  ]);
  expect(await leases.read(lease.target)).toMatchObject({ state: 'HELD', holder: 'execution:run-1' });
});

it('a second task of the same run begins nothing, and the first one goes on undisturbed', async () => {
  const site = await siteForTest();
  const { exec } = await run(site, 'run-1');
  const first = held();
  const result = exec(first.command);
  await first.begun;
  const second = held();
  const error = await failureOf(exec(second.command));
  expect(error.code).toBe('LS806');
  first.finish();
  expect(await result).toMatchObject({ exitCode: 0, error: undefined, token: 1 });
  expect([first.begins(), second.begins()]).toEqual([1, 0]);
});

it('nor does one that had looked before the first one began', async () => {
  const site = await siteForTest();
  const { leases, exec } = await run(site, 'run-1');
  const first = held();
  first.finish();
  let hasRun = false;
  // Between its look and its lock.
  const mint: LeaseStore['mint'] = async (...lease) => {
    if (!hasRun) await exec(first.command);
    hasRun = true;
    return leases.mint(...lease);
  };
  const { exec: late } = await run(
    site,
    'run-1',
    new Proxy(leases, { get: (of, name) => (name === 'mint' ? mint : bound(of, name)) }),
  );
  const second = held();
  second.finish();
  expect((await failureOf(late(second.command))).code).toBe('LS806');
  expect([first.begins(), second.begins()]).toEqual([1, 0]);
});

const bound = (store: MemoryLeaseStore, name: string | symbol): unknown =>
  Reflect.get(store, name, store).bind(store);

it('after a run that failed the same run does not begin it again; another one does', async () => {
  const site = await siteForTest();
  const failing: ForeignCommand = {
    name: 'failing',
    start: async () => ({
      ended: Promise.resolve({ exitCode: 3, signal: null }),
      stop: () => undefined,
    }),
  };
  const leases = new MemoryLeaseStore();
  const { exec, lease } = await run(site, 'run-1', leases);
  expect(await exec(failing)).toMatchObject({ exitCode: 3, error: { code: 'LS801' } });
  expect((await failureOf(exec(failing))).code).toBe('LS806');
  await leases.release({ ...lease, token: 0 });
  const { exec: again } = await run(site, 'run-2', leases);
  expect(await again(failing)).toMatchObject({ exitCode: 3 });
});

it('without the lease nothing is begun', async () => {
  const site = await siteForTest();
  const { exec, leases, lease } = await run(site, 'run-1');
  await leases.forceRelease(lease.target);
  const { command, begins } = held();
  expect((await failureOf(exec(command))).code).toBe('LS402');
  expect(begins()).toBe(0);
});
