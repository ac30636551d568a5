/** The restore point of the local runtime is real: a server starts on it, and has the data as it was. */
import { chown, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { StateName } from '../../lib/core/workflow/index.ts';
import { takeBaseBackup } from '../../lib/local/base-backup.ts';
import { queryRows } from '../../lib/local/database-client.ts';
import {
  Disposers,
  type LocalRuntime,
  startLocalRuntime,
  startPostgresServer,
} from '../../lib/local/index.ts';
import { serverUser } from '../../lib/local/server-user.ts';
import { lockstep } from '../cli/command-line.ts';
import { queryRows as rows } from '../support/postgres.ts';
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

test('what another migrator destroyed comes back from the archive of the server, as its plan says', async () => {
  const folder = await folderForServer();
  const archive = join(folder, 'archive');
  const server = await startPostgresServer({
    settings: { archive_mode: 'on', archive_command: `mkdir -p ${archive} && cp %p ${archive}/%f` },
  });
  disposers.add(server.stop);
  const url = server.url('postgres');
  await rows(url, 'CREATE TABLE kept AS SELECT generate_series(1, 1000) AS n');
  const restored = join(folder, 'restored');
  await takeBaseBackup({ connectionString: url }, server.dataDirectory, restored);
  await rows(url, 'INSERT INTO kept VALUES (1001)');
  const destroy = `import pg from 'pg'; const c = new pg.Client(process.env.DATABASE_URL); await c.connect();
    await c.query('DELETE FROM kept'); await c.end()`;
  const variables = { DATABASE_URL: url };
  const command = ['exec', '--', process.execPath, '--input-type=module', '-e', destroy];
  expect(await lockstep(command, variables)).toMatchObject({ exitCode: 0 });
  expect(await rows(url, COUNT)).toEqual([{ rows: 0 }]);
  await rows(url, 'SELECT pg_switch_wal()');
  const [{ segment } = { segment: '' }] = await rows<{ segment: string }>(
    url,
    'SELECT pg_walfile_name(began_at_lsn) AS segment FROM lockstep.run',
  );
  await expect.poll(() => readdir(archive).catch(() => []), { timeout: 30_000 }).toContain(segment);

  const [{ runId }] = JSON.parse((await lockstep(['runs', '--json'], variables)).stdout).runs;
  const { steps } = JSON.parse((await lockstep(['restore', 'plan', runId, '--json'], variables)).stdout);
  const [, ...settings] = steps[0].command.at(-1).split('-c ');
  await writeFile(join(restored, 'recovery.signal'), '');
  const again = await startPostgresServer({
    dataDirectory: restored,
    password: server.password,
    settings: {
      ...Object.fromEntries(settings.map((setting: string) => setting.trim().split('='))),
      restore_command: `cp ${archive}/%f %p`,
    },
  });
  disposers.add(again.stop);
  expect(await rows(again.url('postgres'), COUNT)).toEqual([{ rows: 1001 }]);
  // The run that destroyed it had not begun there.
  expect(await rows(again.url('postgres'), 'SELECT FROM lockstep.run')).toEqual([]);
});

const COUNT = 'SELECT count(*)::int AS rows FROM kept';

/** Which the user of the server may write to. */
async function folderForServer(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'lockstep-archive-'));
  disposers.add(() => rm(folder, { recursive: true, force: true }));
  const { uid, gid } = serverUser();
  if (uid !== undefined && gid !== undefined) await chown(folder, uid, gid);
  return folder;
}
