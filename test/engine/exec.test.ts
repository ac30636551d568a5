import { expect, it } from 'vitest';
import { MemoryLeaseStore } from '../../lib/adapters/memory/index.ts';
import { foreignCommand } from '../../lib/adapters/process/foreign-command.ts';
import type { CommandEnd, ForeignCommand } from '../../lib/core/foreign/index.ts';
import { exec } from '../../lib/engine/exec.ts';
import { failureOf, LEFT_BEHIND, siteForTest } from './site.ts';

const shell = (script: string): ForeignCommand =>
  foreignCommand({ argv: ['sh', '-c', script], env: process.env, output: 'stderr' });

it('a lease that is lost ends the command, which is not repeated', async () => {
  const site = await siteForTest();
  const leases = new MemoryLeaseStore();
  let begun = 0;
  const result = await exec({
    ...site.context({ leases, leaseDurationMs: 3_000 }),
    command: shell('trap "" TERM; sleep 300 & sleep 300'),
    on: async (event) => {
      if (event.kind !== 'command-started') return;
      begun += 1;
      await leases.forceRelease('orders');
    },
  });
  expect(result).toMatchObject({ exitCode: 137, error: { code: 'LS802' } });
  expect(result.error?.what).toContain('because the lease on orders was lost');
  expect(begun).toBe(1);
  expect(await site.rows(LEFT_BEHIND)).toEqual([]);
  expect(await site.rows('SELECT verdict FROM lockstep.run')).toEqual([{ verdict: 'failed' }]);
});

it('a command that ended well while its session went is not said to have run under the lock', async () => {
  const site = await siteForTest();
  const command: ForeignCommand = {
    name: 'quick',
    start: async () => ({ ended: endSessions(), stop: () => undefined }),
  };
  const endSessions = async (): Promise<CommandEnd> => {
    await site.rows(
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND application_name LIKE 'lockstep #%'`,
    );
    return { exitCode: 0, signal: null };
  };
  const { error } = await exec({ ...site.context(), command });
  expect(error?.code).toBe('LS802');
});

it('what happens before the command has begun is repeated', async () => {
  const site = await siteForTest();
  let begun = 0;
  const command = shell('exit 0');
  const result = await exec({
    ...site.context(),
    command,
    on: (event) => {
      if (event.kind === 'command-started') begun += 1;
    },
    opening: {
      takeLedger: async () => undefined,
      // The first session is gone before anything is asked of it.
      takeSession: takeOnce(async () => {
        const session = await site.session();
        session.destroy();
        return session;
      }),
    },
  });
  expect(result).toMatchObject({ exitCode: 0, error: undefined });
  expect(begun).toBe(1);
});

function takeOnce<T>(make: () => Promise<T>): () => Promise<T> | undefined {
  let taken = false;
  return () => {
    if (taken) return undefined;
    taken = true;
    return make();
  };
}

it('a replica is refused before anything is started', async () => {
  const site = await siteForTest();
  await site.rows(`ALTER DATABASE ${site.name} SET default_transaction_read_only = on`);
  const error = await failureOf(exec({ ...site.context(), command: shell('exit 0') }));
  expect(error.code).toBe('LS305');
});
