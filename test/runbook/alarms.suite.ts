/** Alarms, each from its section in docs/runbook.md to a run that succeeds, on the local runtime. */

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Topic } from 'aws-cdk-lib/aws-sns';
import pg from 'pg';
import { afterEach, beforeEach, expect, onTestFinished, test } from 'vitest';
import { RunbookSection } from '../../lib/constructs/runbook.ts';
import { CATALOGUE } from '../../lib/core/errors/index.ts';
import { AwsError } from '../../lib/local/aws/service.ts';
import { folderWith, startLockstep } from '../cli/command-line.ts';
import { codeBlocks, sectionsOf } from '../docs/markdown.ts';
import { type LocalCoordinator, startCoordinator } from '../e2e/local-workflow.ts';
import { command, leaseOf, printed, succeeds } from './account.ts';
import { says } from './ward.ts';

const PATH = 'docs/runbook.md';
const RIGHT = {
  '0001_a.sql': 'CREATE TABLE a (id int);',
  '0002_b.sql': 'ALTER TABLE a ADD COLUMN name text;',
};
const ASLEEP = `SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'PgSleep'`;

let coordinator: LocalCoordinator;
beforeEach(async () => {
  coordinator = await startCoordinator();
});
afterEach(() => coordinator.stop());

/** What the alarm's link leads to. */
const sectionOf = (anchor: string): string =>
  sectionsOf(PATH).find((section) => section.anchor === anchor)?.text ?? '';

async function until(sql: string): Promise<void> {
  while ((await coordinator.query(sql)).length === 0) await sleep(20);
}

test('Alarm: run failed, of which the code in the cause leads on, and the corrected release succeeds', async () => {
  const wrong = { ...RIGHT, '0002_b.sql': 'ALTER TABLE a ADD COLUMN name txt;' };
  const outcome = await (await coordinator.deploy(wrong)).start({}).outcome;
  const { cause } = outcome as Extract<typeof outcome, { status: 'FAILED' }>;
  const [code = ''] = /LS\d{3}/.exec(cause) ?? [];
  expect(Object.keys(CATALOGUE)).toContain(code);
  expect(sectionsOf(PATH).find(({ title }) => title.startsWith(code))?.text).toContain('correct the file');
  expect(await printed(coordinator, 'Alarm: run failed', 'status')).toMatch(/0001_a|Nothing/);
  await succeeds((await coordinator.deploy(RIGHT)).start({}));
});

test('Alarm: run aborted, and status says what is true, and a new run finishes', async () => {
  const run = (await coordinator.deploy({ ...RIGHT, '0002_b.sql': 'SELECT pg_sleep(600);' })).start({});
  await until(ASLEEP);
  run.abort();
  expect(await run.outcome).toEqual({ status: 'ABORTED' });
  const status = await printed(coordinator, 'Alarm: run aborted', 'status');
  expect(status).toMatch(/Last run .*\n?/);
  expect(await coordinator.query(ASLEEP)).toEqual([]);
  says('Alarm: run aborted', '`lockstep runs report RUN`');
  const page = join(coordinator.directory, 'report.html');
  await command(coordinator, `runs report ${run.name} --out ${page}`);
  expect(await readFile(page, 'utf8')).toMatch(
    /It was stopped from outside\.[\s\S]*Nothing has to be corrected/,
  );
  await succeeds((await coordinator.deploy(RIGHT)).start({}));
});

test('Alarm: long wait for the lease, where who has it is named, and is freed by force', async () => {
  const folder = await folderWith({ '0001_slow.sql': 'SELECT pg_sleep(600);\n' });
  const { child } = startLockstep(['up', '--migrations', folder, ...leaseOf(coordinator)], {
    ...coordinator.cloud.environment,
    DATABASE_URL: coordinator.url,
  });
  await until(ASLEEP);
  const run = (await coordinator.deploy(RIGHT)).start({});
  const holder = /held by \S+/.exec(
    await printed(coordinator, 'Alarm: long wait for the lease', 'lock status'),
  )?.[0];
  expect(holder).toBeDefined();
  // One that is well would ask for the lease again.
  child.kill('SIGSTOP');
  await printed(coordinator, 'Alarm: long wait for the lease', 'lock release --force');
  await succeeds(run);
});

test('Alarm: run takes long, and the queries name who blocks it, and ending that one lets it go on', async () => {
  await (await coordinator.deploy({ '0001_a.sql': RIGHT['0001_a.sql'] })).start({}).outcome;
  await coordinator.query('INSERT INTO a VALUES (1)');
  const forgotten = new pg.Client({ connectionString: coordinator.url });
  forgotten.on('error', () => undefined);
  await forgotten.connect();
  onTestFinished(() => forgotten.end());
  await forgotten.query('BEGIN; UPDATE a SET id = 2');
  const run = (await coordinator.deploy({ ...RIGHT, '0002_b.sql': 'UPDATE a SET id = 3;' })).start({});
  const [query = ''] = codeBlocks(PATH, 'sql').filter((sql) => sql.includes('pg_blocking_pids'));
  const [first = ''] = query.split(';');
  // Between two tries it waits for nobody.
  let pid: number | undefined;
  for (; pid === undefined; await sleep(20)) {
    const seen = await coordinator.query<{ blocked_by: number[]; application_name: string }>(first);
    pid = seen.find(({ application_name: name }) => name.startsWith('lockstep #'))?.blocked_by[0];
  }
  expect(sectionOf(RunbookSection.runLong)).toContain('`SELECT pg_terminate_backend(PID)`');
  await coordinator.query(`SELECT pg_terminate_backend(${pid})`);
  await succeeds(run);
});

test('Alarm: clean-up failed, but no harm is done, and with its cause mended the event of the message does its work', async () => {
  const { service } = coordinator.cloud.eventBus;
  const { PutEvents } = service;
  const refuse = () => {
    throw new AwsError('AccessDeniedException', 'not allowed');
  };
  const slow = { ...RIGHT, '0002_b.sql': 'SELECT pg_sleep(600);' };
  const { start, functions } = await coordinator.deploy(slow);
  const run = start({});
  await until(ASLEEP);
  Object.assign(service, { PutEvents: refuse });
  run.abort();
  expect(await run.outcome).toEqual({ status: 'ABORTED' });
  const detail = { executionArn: run.arn, name: run.name, status: 'ABORTED', startDate: Date.now() };
  await expect(functions.invoke('clean-up', { detail })).rejects.toThrow('LS702');
  expect(await printed(coordinator, 'Alarm: clean-up failed', 'lock status')).toContain('free');
  expect(sectionOf(RunbookSection.cleanUpFailed)).toContain(
    'start the function with the event of the message',
  );
  Object.assign(service, { PutEvents });
  expect(await functions.invoke('clean-up', { detail })).toMatchObject({ signalled: true });
  expect(coordinator.signalsOf(run.name)).toMatchObject([{ signal: 'ROLL_BACK' }]);
  await succeeds((await coordinator.deploy(RIGHT)).start({}));
});

test('Alarm: deployer unserved, whether told by hand or not, the event of the message tells it when the cause is mended', async () => {
  await coordinator.stop();
  coordinator = await startCoordinator({ receivers: (stack) => ({ topic: new Topic(stack, 'OnCall') }) });
  const { deployers, eventBus } = coordinator.cloud;
  const publish = deployers.publish.bind(deployers);
  let refused = 0;
  deployers.publish = () => {
    refused += 1;
    throw new AwsError('AuthorizationError', 'not allowed');
  };
  const { start, functions } = await coordinator.deploy(RIGHT);
  await succeeds(start({}));
  const event = { time: new Date().toISOString(), detail: eventBus.events[0]?.detail };
  await expect(functions.invoke('deliver-verdict', event)).rejects.toThrow('LS702');
  // The rule's own call, and this one.
  while (refused < 2) await sleep(20);
  const section = sectionOf(RunbookSection.deployerUnserved);
  for (const named of ['LS702', 'deliver-verdict', 'call the function with the event of the message'])
    expect(section).toContain(named);
  deployers.publish = publish;
  expect(await functions.invoke('deliver-verdict', event)).toEqual({ told: ['topic'] });
  expect(deployers.messages).toHaveLength(1);
});
