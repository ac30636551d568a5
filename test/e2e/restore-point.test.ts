/** The restore point of the local runtime is real: a server starts on it, and has the data as it was. */
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { StateName } from '../../lib/core/workflow/index.ts';
import { queryRows } from '../../lib/local/database-client.ts';
import {
  Disposers,
  type LocalRuntime,
  startLocalRuntime,
  startPostgresServer,
} from '../../lib/local/index.ts';
import { lockstep } from '../cli/command-line.ts';
import { bundleOf } from './local-workflow.ts';

const disposers = new Disposers();
afterEach(() => disposers.run());

const ROWS = { '0001_create_kept.sql': 'CREATE TABLE kept AS SELECT generate_series(1, 1000) AS n;' };
const NO_ROWS = { ...ROWS, '0002_lose_all.sql': 'DELETE FROM kept;' };

const rowsIn = async (database: LocalRuntime['database']): Promise<number | undefined> =>
  (await queryRows<{ rows: number }>(database, 'SELECT count(*)::int AS rows FROM kept'))[0]?.rows;

test('a run that loses data can be undone with the restore point that it took', async () => {
  const runtime = await startLocalRuntime({ migrations: 'migrations' }, disposers);
  const { cloud, database, directory, server } = runtime;
  await cloud.deploy(await bundleOf(ROWS, directory)).start({}).outcome;
  const run = cloud.deploy(await bundleOf(NO_ROWS, directory)).start({});
  const outcome = await run.outcome;
  expect(outcome).toMatchObject({ status: 'SUCCEEDED', output: { applied: ['0002_lose_all'] } });
  expect(await rowsIn(database)).toBe(0);
  const states = run.events.filter(({ kind }) => kind === 'entered').map(({ state }) => state);
  expect(states.indexOf(StateName.WaitForRestorePoint)).toBeGreaterThan(0);
  expect(states.lastIndexOf(StateName.TakeRestorePoint)).toBeLessThan(states.indexOf(StateName.AcquireLease));

  // How to bring it back at AWS, from what the ledger keeps.
  const url = runtime.server?.url(database.database) ?? '';
  const plan = await lockstep(['restore', 'plan', run.name, '--json'], { DATABASE_URL: url });
  expect(JSON.parse(plan.stdout)).toMatchObject({
    runId: run.name,
    record: { method: 'snapshot', source: 'lockstep-local', settings: { type: 'instance' } },
    entriesSince: [{ migration: '0002_lose_all', kind: 'applied', runId: run.name }],
    walBytesSince: expect.any(Number),
  });

  const { restorePoint } = (outcome as unknown as { output: { restorePoint: string } }).output;
  const dataDirectory = join(directory, `snapshot-${restorePoint}`);
  const restored = await startPostgresServer({ dataDirectory, password: server?.password ?? '' });
  disposers.add(restored.stop);
  expect(await rowsIn({ ...database, port: restored.port })).toBe(1000);
});
