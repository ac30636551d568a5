/**
 * Third act: a process that migrates is killed in the middle of a migration. The next start takes over its lease
 * when it has been silent for long enough, ends what PostgreSQL still runs for it, and finishes.
 */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { endProcess } from '../child-process.ts';
import { queryRows } from '../database-client.ts';
import { historyOf, leaseIsFree, newEntries } from './ledger.ts';
import { isSlow, makeRelease, SLOW } from './releases.ts';
import { compileRelease, type Release, type Run, runWorkflow, type Stage } from './stage.ts';
import { list, seconds } from './words.ts';

const COMMAND = fileURLToPath(new URL('../../../bin/lockstep.ts', import.meta.url));
const LEASE_DURATION = '3s';
const PROMISED_MS = 20_000;

export async function takeOver(stage: Stage, sample: string): Promise<string> {
  const { narrator, runtime } = stage;
  narrator.act('Act 3, take over: the process that migrates is killed in the middle');
  const migrations = await makeRelease(join(runtime.directory, 'act-3'), SLOW, sample);
  const release = await compileRelease(stage, 'act-3', migrations);
  const before = await historyOf(stage);
  await migrateAndBeKilled(stage, migrations);
  const killedMs = performance.now();
  const run = await runWorkflow(stage, release);
  const tookMs = performance.now() - killedMs;
  await checkPromises(stage, { run, release, tookMs, applied: newEntries(before, await historyOf(stage)) });
  return `killed in 0010; the next start took over and finished ${seconds(tookMs)} later, nothing ran twice`;
}

/** `lockstep up` in a process of its own, killed when PostgreSQL says that the slow migration is running. */
async function migrateAndBeKilled({ narrator, runtime }: Stage, migrations: string): Promise<void> {
  const { cloud, database, disposers } = runtime;
  const lease = `dynamodb://${cloud.workflow.leaseTable.TableName}`;
  const options = ['--migrations', migrations, '--lease', lease, '--lease-duration', LEASE_DURATION];
  const child = spawn(process.execPath, [COMMAND, 'up', ...options], {
    env: {
      PATH: process.env.PATH,
      ...cloud.environment,
      PGHOST: database.host,
      PGPORT: String(database.port),
      PGUSER: database.user,
      PGPASSWORD: String(database.password),
      PGDATABASE: database.database,
    },
    stdio: 'ignore',
    detached: true,
  });
  disposers.add(() => endProcess(child));
  narrator.tell('process', `lockstep up, pid ${child.pid}, applies the release`);
  while (!(await isSlow(database))) {
    if (child.exitCode !== null) throw new Error(`lockstep up ended too early, with ${child.exitCode}`);
    await sleep(50);
  }
  await endProcess(child);
  narrator.tell('process', 'killed (SIGKILL) while 0010_change_slowly runs');
}

interface Found {
  readonly run: Run;
  readonly release: Release;
  readonly tookMs: number;
  readonly applied: readonly { readonly name: string }[];
}

const EFFECTS = 'SELECT migration, count(*)::int AS count FROM effects GROUP BY migration ORDER BY migration';
const TRIES = 'SELECT last_value::int AS count FROM effect_tries';

async function checkPromises(stage: Stage, { run, release, tookMs, applied }: Found): Promise<void> {
  const { promises, runtime } = stage;
  const effects = await queryRows<{ migration: string; count: number }>(runtime.database, EFFECTS);
  const [tries] = await queryRows<{ count: number }>(runtime.database, TRIES);
  const found = list(effects.map(({ migration, count }) => `${migration} ${count} times`));
  promises.check(
    `the next start took over and finished within ${PROMISED_MS / 1000} s (${seconds(tookMs)})`,
    run.outcome.status === 'SUCCEEDED' && tookMs < PROMISED_MS,
    `${run.outcome.status} after ${seconds(tookMs)}`,
  );
  promises.check(
    'the killed migration was tried twice, and its effect is there once',
    tries?.count === 2 && effects.some(({ migration, count }) => migration === '0010' && count === 1),
    `${tries?.count} tries, ${found}`,
  );
  promises.check(
    'nothing ran twice, nothing is missing',
    effects.map(({ migration, count }) => `${migration}:${count}`).join() === '0009:1,0010:1,0011:1',
    found,
  );
  const names = applied.map(({ name }) => name);
  promises.check(
    'the ledger says the same',
    names.join() === release.names.slice(-names.length).join() && names.length === effects.length,
    list(names),
  );
  promises.check('the lease is free', await leaseIsFree(stage));
}
