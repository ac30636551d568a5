/** `npm start -- --scenario NAME`, as its user starts it: all scenarios in one process, and what each of them showed. */
import { execFile } from 'node:child_process';
import { chmod, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { StateName } from '../../lib/core/workflow/index.ts';
import { close } from '../../lib/local/demo/closing.ts';
import { Narrator, type Page } from '../../lib/local/demo/narrator.ts';
import { Promises } from '../../lib/local/demo/promises.ts';
import { SCENARIO_NAMES, type ScenarioName } from '../../lib/local/scenarios/catalogue.ts';
import type { ScenarioResult } from '../../lib/local/scenarios/index.ts';
import { type Ended, lockstep } from '../cli/command-line.ts';
import { codeBlocks, readDocument } from '../docs/markdown.ts';

let temporary: string;
let all: Ended;
let result: ScenarioResult;

beforeAll(async () => {
  temporary = await mkdtemp(join(tmpdir(), 'lockstep-scenarios-'));
  // The server's user has to get through it.
  await chmod(temporary, 0o755);
  all = await playAll();
  result = JSON.parse(all.stdout) as ScenarioResult;
}, 180_000);
afterAll(() => rm(temporary, { recursive: true, force: true }));

function playAll(): Promise<Ended> {
  const command = ['bin/lockstep.ts', 'dev', '--scenario', 'all', '--json'];
  const env = { PATH: process.env.PATH, TMPDIR: temporary };
  return new Promise((resolve) => {
    execFile(process.execPath, command, { env }, (error, stdout, stderr) =>
      resolve({ exitCode: error === null ? 0 : Number(error.code), stdout, stderr }),
    );
  });
}

/** What is printed from the scenario's heading to that of the next one. */
const shown = (name: ScenarioName): string =>
  all.stderr.split(`\n${name}: `)[1]?.split(/\n\n(?=[a-z-]+: )/)[0] ?? '';

/** Of all executions of the scenario, with what came of them. */
const states = (name: ScenarioName): string[] =>
  [...shown(name).matchAll(/ workflow +(\S.*?) +\d+\.\d\d s(?: +(\S.*))?$/gm)].map(([, state = '', note]) =>
    note === undefined ? state : `${state}: ${note}`,
  );
/** In one go, without the words of Choice, Wait and end states, and of the restore point, whose waits vary. */
const steps = (name: ScenarioName): string[] =>
  states(name).filter(
    (state) => !/^(.*\?|Wait for .*|Take restore point: .*|Succeeded|Failed: .*)$/.test(state),
  );

test('all go as promised, in the order of the list, and leave nothing behind', async () => {
  expect(all.exitCode, all.stderr).toBe(0);
  expect(all.stderr).not.toContain('BROKEN');
  expect(result.scenarios.map(({ scenario }) => scenario)).toEqual(SCENARIO_NAMES);
  expect(all.stderr.match(/\[kept\]/g)).toHaveLength(result.promisesKept);
  expect((await readdir(temporary)).filter((name) => name.startsWith('lockstep'))).toEqual([]);
});

test('success: takes a restore point, applies, rolls out', () => {
  expect(steps('success')).toEqual([
    'Plan: 2 pending',
    'Acquire lease: acquired',
    'Migrate: 2 applied',
    StateName.ReleaseLease,
    StateName.SignalRollOut,
  ]);
  expect(states('success').join('\n')).toMatch(/Take restore point: available: lockstep-success-/);
  expect(shown('success')).toContain('0001_create_orders and 0002_create_notes were applied.');
});

test('failed-migration: reverts, rolls back, and shows the place in the file', () => {
  expect(steps('failed-migration')).toEqual([
    'Plan: 3 pending',
    'Acquire lease: acquired',
    'Migrate: MigrationFailedError',
    'Roll back: 2 reverted',
    StateName.ReleaseLeaseAfterFailure,
    StateName.SignalRollBack,
  ]);
  expect(shown('failed-migration')).toMatch(/ 3 \| WHERE shippedat IS NULL;\n {14}\^$/m);
});

test('older-bundle: the second run only plans, and says that the database is ahead', () => {
  const second = steps('older-bundle').slice(-2);
  expect(second).toEqual(['Plan: ahead', StateName.SignalRollOut]);
  expect(shown('older-bundle')).toContain('a database that is ahead is never taken back implicitly');
});

test('stopped: no state of the first run catches it, and the second one applies the rest', () => {
  expect(steps('stopped')).toEqual([
    'Plan: 3 pending',
    'Acquire lease: acquired',
    'Plan: 2 pending',
    'Acquire lease: acquired',
    'Migrate: 2 applied',
    StateName.ReleaseLease,
    StateName.SignalRollOut,
  ]);
  expect(shown('stopped')).toMatch(/verdict +LS605: The run \S+ was stopped;/);
});

test('docs/scenarios.md lists them all, and what it shows of one is what that prints', () => {
  const path = 'docs/scenarios.md';
  const rows = [...readDocument(path).matchAll(/^\| `([a-z-]+)` +\|/gm)].map(([, name]) => name);
  expect(rows).toEqual(SCENARIO_NAMES);
  const [example = ''] = codeBlocks(path, 'console');
  const withoutTimes = (text: string) => text.replaceAll(/ *\d+\.\d+ s/g, ' _ s');
  expect(withoutTimes(shown('older-bundle'))).toContain(withoutTimes(example.trimEnd()));
});

describe('what it is asked for', () => {
  test('is refused when there is no such scenario, with those that there are', async () => {
    const { exitCode, stderr } = await lockstep(['dev', '--scenario', 'succes']);
    expect(exitCode).toBe(2);
    expect(stderr).toContain('Error LS101');
    for (const name of [...SCENARIO_NAMES, 'all']) expect(stderr).toContain(name);
  });

  test('is refused together with a database or migrations, which are not touched', async () => {
    const { exitCode, stderr } = await lockstep(['dev', '--scenario', 'success', '--migrations', 'mine']);
    expect(exitCode).toBe(2);
    expect(stderr).toContain('Error LS101: A scenario has migrations and a database of its own.');
  });

  test('is in the help, each with what it shows', async () => {
    const { stdout } = await lockstep(['dev', '--help']);
    for (const name of SCENARIO_NAMES) expect(stdout).toMatch(new RegExp(`^  ${name} +\\S`, 'm'));
  });
});

test('a promise that is not kept fails the command', () => {
  const page: Page = { line: () => undefined, paint: (_, text) => text, error: String };
  const promises = new Promises(new Narrator(page));
  promises.check('the first', true);
  promises.check('the second', false, 'a hole');
  const closing = () => close(page, promises, { heading: 'scenario', played: [], startedMs: 0 });
  expect(closing).toThrow('LS901: 1 promise of the demo not kept: the second (found: a hole).');
});
