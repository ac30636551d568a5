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

/** The example of the page, but for the times in it. */
function expectShown(name: ScenarioName, path: string): void {
  const [example = ''] = codeBlocks(path, 'console');
  const withoutTimes = (text: string) => text.replaceAll(/ *\d+\.\d+ s/g, ' _ s');
  expect(withoutTimes(shown(name))).toContain(withoutTimes(example.trimEnd()));
}

/** Of all executions of the scenario, with what came of them: of the workflow, or of what follows its roll-out. */
const states = (name: ScenarioName, who: 'workflow' | 'follower' = 'workflow'): string[] =>
  [...shown(name).matchAll(/\d s {2}(\w+) +(\S.*?) +\d+\.\d\d s(?: +(\S.*))?$/gm)]
    .filter(([, by]) => by === who)
    .map(([, , state = '', note]) => (note === undefined ? state : `${state}: ${note}`));
/** Without Choice, Wait and end states, and without looks at a restore point, of which there may be several. */
const steps = (name: ScenarioName): string[] =>
  states(name).filter(
    (state) =>
      !/^(.*\?|Wait for .*|Take restore point: (creating|available.*)|Succeeded|Failed: .*)$/.test(state),
  );

const NOT_APPROVED = [
  'Check approval: ApprovalError',
  'Roll back: 0 reverted',
  StateName.ReleaseLeaseAfterFailure,
  StateName.SignalRollBack,
];

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
  expect(states('success').join('\n')).toMatch(/Take restore point: available: lockstep-orders-success-/);
  expect(shown('success')).toContain('0001_create_orders and 0002_create_notes were applied.');
});

test('failed-migration: reverts, rolls back, and shows the place in the file', () => {
  expect(steps('failed-migration')).toEqual([
    'Plan: 3 pending',
    'Take restore point: none',
    'Acquire lease: acquired',
    'Migrate: MigrationFailedError',
    'Roll back: 2 reverted',
    StateName.ReleaseLeaseAfterFailure,
    StateName.SignalRollBack,
  ]);
  expect(shown('failed-migration')).toMatch(/ 3 \| WHERE shippedat IS NULL;\n {14}\^$/m);
});

/** What came after the looks, of which there may be more on a slow machine. */
const afterRollOut = (name: ScenarioName): string[] =>
  states(name, 'follower').filter(
    (state) => !/\?$|^(Wait for|Look at) |: (awaited|under-way|going-back)$/.test(state),
  );

test('failed-roll-out: the run is over when its roll-out is taken back; then the schema is, too', () => {
  expect(steps('failed-roll-out').slice(-3)).toEqual([
    StateName.ReleaseLease,
    StateName.FollowRollOut,
    StateName.SignalRollOut,
  ]);
  expect(afterRollOut('failed-roll-out')).toEqual([
    'Await roll-out: unhealthy',
    'Stop roll-out',
    'Await roll-out: sent-back',
    'Acquire lease: acquired',
    'Roll back: 2 reverted',
    StateName.ReleaseLease,
    StateName.SignalRollBack,
    'Failed: RollOutError',
  ]);
  expect(shown('failed-roll-out')).toMatch(
    /verdict +LS706: .* \(tasks failed to start\)\. .* the old version runs\./,
  );
});

test('alarm: stops the deployment, and leaves the schema as it is', () => {
  expect(afterRollOut('alarm')).toEqual([
    'Await roll-out: unhealthy',
    'Stop roll-out',
    'Await roll-out: sent-back',
    'Roll back: 0 reverted',
    StateName.SignalRollBack,
    'Failed: RollOutError',
  ]);
  expect(shown('alarm')).toMatch(/the alarm errors rang while the deployment was under way\./);
});

test('restored: roll back is signalled, then a person approves, and a new database is waited for and told', () => {
  const isLook = (state: string) => state === 'Restore database: restoring';
  expect(afterRollOut('restored').filter((state) => !isLook(state))).toEqual([
    'Await roll-out: unhealthy',
    'Stop roll-out',
    'Await roll-out: sent-back',
    'Roll back: 0 reverted',
    StateName.SignalRollBack,
    'Restore database: asking',
    'Ask whether to restore',
    'Restore database: restored',
    'Signal what was restored',
    'Failed: RollOutError',
  ]);
  expect(shown('restored')).toMatch(
    /verdict +LS706: .* As Ann approved, the data of before the run is in the new instance lockstep-restored-/,
  );
});

test('older-bundle: the second run only plans, and says that the database is ahead', () => {
  const second = steps('older-bundle').slice(-2);
  expect(second).toEqual(['Plan: ahead', StateName.SignalRollOut]);
  expect(shown('older-bundle')).toContain('a database that is ahead is never taken back implicitly');
});

test('stopped: no state of the first run catches it, and the second one applies the rest', () => {
  expect(steps('stopped')).toEqual([
    'Plan: 3 pending',
    'Take restore point: none',
    'Acquire lease: acquired',
    'Plan: 2 pending',
    'Take restore point: none',
    'Acquire lease: acquired',
    'Migrate: 2 applied',
    StateName.ReleaseLease,
    StateName.SignalRollOut,
  ]);
  expect(shown('stopped')).toMatch(/verdict +LS605: The run \S+ was stopped;/);
});

test('approved: asks twice, because the plan has changed, and does nothing before it is approved', () => {
  expect(steps('approved')).toEqual([
    'Plan: 2 pending',
    StateName.AskForApproval,
    'Check approval: pending',
    StateName.AskForApproval,
    'Check approval: approved by Ann',
    'Take restore point: none',
    'Acquire lease: acquired',
    'Migrate: 1 applied',
    StateName.ReleaseLease,
    StateName.SignalRollOut,
  ]);
  expect(shown('approved')).toContain('  | Lockstep: approve 2 migrations of orders-approved?\n');
});

test('refused: ends without a restore point or the lease, and says who refused, and why', () => {
  expect(steps('refused')).toEqual(['Plan: 2 pending', 'Ask for approval: Refused', ...NOT_APPROVED]);
  expect(shown('refused')).toMatch(/verdict +LS710: The plan was refused: Ann: not on a Friday\./);
});

test('approval-expired: the same, when nobody answers', () => {
  expect(steps('approval-expired')).toEqual([
    'Plan: 2 pending',
    'Ask for approval: States.Timeout',
    ...NOT_APPROVED,
  ]);
  expect(shown('approval-expired')).toMatch(/verdict +LS711: Nobody approved the plan in time\./);
});

test('docs/scenarios.md lists them all, and what it shows of one is what that prints', () => {
  const path = 'docs/scenarios.md';
  const rows = [...readDocument(path).matchAll(/^\| `([a-z-]+)` +\|/gm)].map(([, name]) => name);
  expect(rows).toEqual(SCENARIO_NAMES);
  expectShown('older-bundle', path);
});

test('docs/approval.md shows what is printed', () => expectShown('refused', 'docs/approval.md'));

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
