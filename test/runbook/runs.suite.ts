/** Errors and alarms of runs on AWS, each from its text to a run that succeeds, on the local runtime. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { afterAll, beforeAll, beforeEach, expect, onTestFinished, test, vi } from 'vitest';
import { LEDGER_LOCK } from '../../lib/adapters/postgres/advisory-lock.ts';
import { LATEST_ERRORS } from '../../lib/constructs/queries.ts';
import { StateName as S } from '../../lib/core/workflow/index.ts';
import { AwsError } from '../../lib/local/aws/service.ts';
import type { Deployment, LocalExecution } from '../../lib/local/index.ts';
import { TaskError } from '../../lib/local/lambda-functions.ts';
import { folderWith, lockstep, startLockstep } from '../cli/command-line.ts';
import { type Files, type LocalCoordinator, startCoordinator } from '../e2e/local-workflow.ts';
import {
  closeGate,
  command,
  failsWith,
  GATED_SQL,
  impatient,
  LONG_MS,
  leaseOf,
  printed,
  succeeds,
  until,
} from './account.ts';
import { expectError, says } from './ward.ts';

const A = { '0001_a.sql': 'CREATE TABLE a (id int, note text);', '0001_a.down.sql': 'DROP TABLE a;' };
const B = { ...A, '0002_b.sql': 'CREATE TABLE b (id int);' };
const GATED = { ...A, '0002_gated.sql': GATED_SQL };
const LONG = { ...A, '0002_long.sql': '-- lockstep: expected-duration=40min\nCREATE TABLE b (id int);' };

vi.setConfig({ testTimeout: LONG_MS });

let coordinator: LocalCoordinator;
beforeAll(async () => {
  coordinator = await startCoordinator({
    longRunning: true,
    reports: true,
    askingDeployers: (deployers) => void deployers.startOn('Releases', { source: ['app'] }),
  });
  impatient(coordinator);
}, LONG_MS);
afterAll(() => coordinator.stop());
beforeEach(() =>
  coordinator.query('DROP SCHEMA IF EXISTS lockstep CASCADE; DROP TABLE IF EXISTS public.a, public.b'),
);

/** Of each release one, whose functions are warm the second time. */
const deployments = new Map<Files, Promise<Deployment>>();
function deploy(files: Files): Promise<Deployment> {
  const deployed = deployments.get(files) ?? coordinator.deploy(files);
  deployments.set(files, deployed);
  return deployed;
}
const start = async (files: Files): Promise<LocalExecution> => (await deploy(files)).start({});
const refuse = (code: string) => () => {
  throw new AwsError(code, 'not allowed');
};

test('LS402, by waiting: the workflow plans again', async () => {
  const gate = await closeGate(coordinator);
  const run = await start(GATED);
  await gate.isWaitedFor();
  expect(await command(coordinator, 'lock release --force')).toMatchObject({ exitCode: 0 });
  await until(run, 'failed', S.Migrate);
  says('LS402', 'start again. In the workflow that happens by itself');
  await gate.open();
  await succeeds(run);
});

test('LS403, where doctor tells of an attempt that was replaced, by doing nothing', async () => {
  const { url, cloud, query } = coordinator;
  const someone = new pg.Client({ connectionString: url });
  await someone.connect();
  onTestFinished(() => someone.end());
  await someone.query(`SELECT pg_advisory_lock(${LEDGER_LOCK})`);
  const up = ['up', '--migrations', await folderWith(A), '--lease-duration', '3s', ...leaseOf(coordinator)];
  const env = { ...cloud.environment, DATABASE_URL: url };
  const late = startLockstep(up, env);
  // It has the lease, and asks for the lock again and again.
  const attempts = `SELECT FROM pg_stat_activity WHERE datname = current_database()
    AND application_name LIKE 'lockstep #%' AND state = 'idle'`;
  while ((await query(attempts)).length === 0) await sleep(20);
  late.child.kill('SIGSTOP');
  const newer = startLockstep(up, env);
  while ((await query(attempts)).length < 2) await sleep(20);
  await someone.query('SELECT pg_advisory_unlock_all()');
  expect(await newer.ended).toMatchObject({ exitCode: 0 });
  const { stdout } = await command(coordinator, `doctor --migrations ${up[2]}`);
  expect(stdout).toMatch(/^note +attempts +An attempt that was replaced is still connected/m);
  expect(stdout).toContain('docs/runbook.md#ls403');
  says('LS403', '`lockstep doctor` points here', '**What to do**: nothing');
  expect(await printed(coordinator, 'LS403', 'status')).toContain('0001_a');
  late.child.kill('SIGCONT');
  expect(await late.ended).toMatchObject({ exitCode: 0, stdout: expect.stringContaining('Nothing') });
  expect((await command(coordinator, 'doctor')).stdout).toMatch(/^ok +attempts /m);
});

test('LS404, with the name of the table', async () => {
  const up = ['up', '--migrations', await folderWith(A)];
  const { url, cloud } = coordinator;
  const env = { ...cloud.environment, DATABASE_URL: url };
  expectError('LS404', await lockstep([...up, '--lease', 'dynamodb://nowhere', '--target', 'a'], env));
  says('LS404', 'the error names the cause that AWS gave');
  expect(await lockstep([...up, ...leaseOf(coordinator)], env)).toMatchObject({ exitCode: 0 });
});

test('LS505, by doing nothing', async () => {
  const gate = await closeGate(coordinator);
  const up = ['up', '--to', '2', '--migrations', await folderWith(GATED), ...leaseOf(coordinator)];
  const { ended } = startLockstep(up, { ...coordinator.cloud.environment, DATABASE_URL: coordinator.url });
  await gate.isWaitedFor();
  const run = await start({ ...GATED, '0003_b.sql': B['0002_b.sql'] });
  await until(run, 'entered', S.WaitForLease);
  await gate.open();
  expect(await ended).toMatchObject({ exitCode: 0 });
  says('LS505', 'nothing: the workflow plans again by itself');
  await succeeds(run);
  expect(run.events.filter(({ kind, state }) => kind === 'failed' && state === S.Migrate)).toHaveLength(1);
});

test('LS615, with an image of the same bundle', async () => {
  const other = { ...LONG, '0002_long.sql': `${LONG['0002_long.sql']} SELECT 1;` };
  await failsWith('LS615', (await coordinator.deploy(LONG, other)).start({}));
  says('LS615', 'build the image from the same bundle file', 'start a new run');
  await succeeds(await start(LONG));
});

test('LS616, by mending what ECS says', async () => {
  const { start, tasks } = await deploy(LONG);
  const run = tasks!.run.bind(tasks);
  const StoppedReason = 'CannotPullContainerError: pull image manifest has been retried 5 time(s)';
  tasks!.run = async () => {
    const description = JSON.stringify({ StoppedReason, Containers: [{}] });
    throw Object.assign(new Error(description), { name: 'States.TaskFailed' });
  };
  expect(await failsWith('LS616', start({}))).toContain(StoppedReason);
  says('LS616', 'its stopped reason', 'mend that, start a new run');
  tasks!.run = run;
  await succeeds(start({}));
});

test('LS702, by a new run, which only signals', async () => {
  const { service } = coordinator.cloud.eventBus;
  const { PutEvents } = service;
  const { start } = await deploy(A);
  Object.assign(service, { PutEvents: refuse('AccessDeniedException') });
  await failsWith('LS702', start({}));
  says('LS702', 'may the state machine put events on it? Start a new run');
  Object.assign(service, { PutEvents });
  await succeeds(start({}));
});

test('LS703, by starting the run in the console', async () => {
  const { states } = coordinator.cloud.services;
  const { StartExecution } = states;
  const { start, functions } = await deploy(A);
  Object.assign(states, { StartExecution: refuse('AccessDeniedException') });
  const event = { id: 'e-1', source: 'app', 'detail-type': 'Release Published', detail: {} };
  await expect(functions.invoke('start-run', event)).rejects.toThrow('LS703');
  says('LS703', 'else start the run in the Step Functions console');
  Object.assign(states, { StartExecution });
  await succeeds(start({}));
});

test('LS750, by writing the page oneself', async () => {
  const { objects } = coordinator.cloud;
  const { start } = await deploy(A);
  objects.denies = () => true;
  const run = start({});
  expect(await run.outcome).toMatchObject({ output: { warnings: [expect.stringMatching(/^LS750: /)] } });
  objects.denies = () => false;
  says('LS750', '`lockstep runs report RUN` writes the same page');
  const file = join(coordinator.directory, 'report.html');
  const ended = await command(coordinator, `runs report ${run.name} --out ${file}`);
  expect(ended).toMatchObject({ exitCode: 0 });
  expect(await readFile(file, 'utf8')).toContain('0001_a');
  const next = (await deploy(B)).start({});
  expect(await next.outcome).toMatchObject({ output: { report: expect.anything() } });
});

test('LS901, by starting again once', async () => {
  const { start, functions } = await deploy(A);
  const invoke = functions.invoke.bind(functions);
  functions.invoke = async (name, event) => {
    if (name === 'migrate') throw new TaskError('Runtime.ExitError', 'exit status 1');
    return invoke(name, event);
  };
  expect(await failsWith('LS901', start({}))).toContain('Runtime.ExitError');
  says('LS901', 'start again once');
  functions.invoke = invoke;
  await succeeds(start({}));
});

test('Alarm: run timed out, and a new run goes on', async () => {
  const { definition } = coordinator.cloud.workflow;
  const { TimeoutSeconds } = definition;
  const gate = await closeGate(coordinator);
  const { start } = await deploy(GATED);
  Object.assign(definition, { TimeoutSeconds: 8 });
  const run = start({});
  Object.assign(definition, { TimeoutSeconds });
  await gate.isWaitedFor();
  expect(await run.outcome).toEqual({ status: 'TIMED_OUT' });
  expect(coordinator.signalsOf(run.name)).toMatchObject([{ signal: 'ROLL_BACK' }]);
  expect(await printed(coordinator, 'Alarm: run timed out', 'status')).toMatch(/0001_a/);
  expect((await command(coordinator, 'lock status')).stdout).toContain('free');
  says('Alarm: run timed out', 'Start a new run: it goes on');
  await gate.open();
  await succeeds(start({}));
});

test('Alarm: function errors, of which the saved query shows code and sentences', async () => {
  await succeeds(await start(A));
  const edited = { ...B, '0001_a.sql': 'CREATE TABLE a (id bigint, note text);' };
  const { start: again } = await coordinator.deploy(edited);
  await Promise.all([again({}), again({}), again({})].map((run) => failsWith('LS501', run)));
  says('Alarm: function errors', '_Latest errors_', 'shows codes and sentences');
  expect(LATEST_ERRORS).toContain('filter level = "ERROR"');
  const shown = (await logged()).filter(({ level, error }) => level === 'ERROR' && error.code === 'LS501');
  expect(shown).toHaveLength(3);
  expect(shown[0]?.error).toMatchObject({ what: expect.any(String), remedy: expect.any(String) });
  await succeeds(await start(B));
});

interface Logged {
  readonly level?: string;
  readonly error: { readonly code?: string };
}
async function logged(): Promise<Logged[]> {
  const lines = (await readFile(join(coordinator.directory, 'functions.log'), 'utf8')).split('\n');
  return lines
    .filter((line) => line.startsWith('{') && line.includes('"error"'))
    .map((line) => JSON.parse(line));
}

test('Alarm: function throttles, until there is room', async () => {
  const { start, functions } = await deploy(A);
  const invoke = functions.invoke.bind(functions);
  functions.invoke = async () => {
    throw new TaskError('Lambda.TooManyRequestsException', 'Rate Exceeded.');
  };
  const run = start({});
  expect(await run.outcome).toMatchObject({ status: 'FAILED' });
  expect(coordinator.signalsOf(run.name)).toMatchObject([{ signal: 'ROLL_BACK' }]);
  says('Alarm: function throttles', 'Start the run again when there is room');
  functions.invoke = invoke;
  await succeeds(start({}));
});
