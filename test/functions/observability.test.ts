/** What the functions write to their log and put into metrics, with everything turned on that could say too much. */
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';

vi.hoisted(() =>
  Object.assign(process.env, {
    POWERTOOLS_LOG_LEVEL: 'DEBUG',
    POWERTOOLS_LOGGER_LOG_EVENT: 'true',
    POWERTOOLS_METRICS_DISABLED: 'false',
  }),
);

import { engineEvents } from '../../functions/_runtime/engine-events.ts';
import { logger, metrics } from '../../functions/_runtime/observability.ts';
import { RevisionTrace } from '../../functions/_runtime/revision-trace.ts';
import { QUERIES } from '../../lib/constructs/queries.ts';
import { type DatabaseRuntime, startDatabaseRuntime } from './database-runtime.ts';
import { migrateAll, steps } from './steps.ts';

const ROW = 'alice@example.com';
const FILES = {
  '0001_users.sql': `CREATE TABLE public.users (email text UNIQUE); INSERT INTO public.users VALUES ('${ROW}');`,
  '0002_again.sql': 'INSERT INTO public.users SELECT email FROM public.users;',
};

let runtime: DatabaseRuntime;
let written: string[];
beforeAll(async () => {
  runtime = await startDatabaseRuntime();
});
beforeEach(async () => {
  await runtime.reset();
  await runtime.deploy(FILES);
  written = [];
  vi.spyOn(process.stdout, 'write').mockImplementation((chunk) => {
    written.push(String(chunk));
    return true;
  });
  vi.spyOn(process.stderr, 'write').mockImplementation((chunk) => {
    written.push(String(chunk));
    return true;
  });
});
afterAll(async () => {
  vi.restoreAllMocks();
  await runtime.close();
});

const lines = (): Record<string, unknown>[] =>
  written
    .join('')
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line));

/** Those that a query of Logs Insights reads; what it makes itself, and of `blockers.0.pid` all but the first, are left out. */
function fieldsOf(lines: readonly string[]): string[] {
  const text = lines.join('\n').replaceAll(/"[^"]*"| as \w+/g, '');
  const words = text.match(/@?[a-z]\w*/gi) ?? [];
  const language = 'fields filter sort stats limit max latest by asc desc in sessions slowestMs'.split(' ');
  return [...new Set(words)].filter((word) => !word.startsWith('@') && !language.includes(word));
}

describe('the log of a function', () => {
  test('names the run and the invocation in each line', async () => {
    await steps.plan('run-1');
    const logged = lines().filter((line) => 'level' in line);
    expect(logged.length).toBeGreaterThan(0);
    for (const line of logged)
      expect(line).toMatchObject({ service: 'lockstep', run: 'run-1', function_request_id: 'request-1' });
  });

  test('names migration and token in each line about a migration, and has what the saved queries ask for', async () => {
    await migrateAll('run-1').catch(() => undefined);
    const about = lines().filter(({ message }) =>
      ['step-started', 'migration-done'].includes(String(message)),
    );
    expect(about.map(({ message, migration, token, run }) => [message, migration, token, run])).toEqual([
      ['step-started', '0001_users', 1, 'run-1'],
      ['migration-done', '0001_users', 1, 'run-1'],
      ['step-started', '0002_again', 1, 'run-1'],
    ]);
    const keys = new Set(lines().flatMap((line) => [...Object.keys(line), ...Object.keys(line.error ?? {})]));
    for (const name of ['Latest errors', 'One run', 'Slowest migrations'])
      expect(fieldsOf(QUERIES[name]!).filter((field) => !keys.has(field))).toEqual([]);
  });

  test('holds neither the event, nor the login, nor data of a row, whatever goes wrong', async () => {
    const error = (await migrateAll('run-1').catch((thrown: unknown) => thrown)) as Error;
    const verdict = await steps.rollBack('run-1', error);
    expect(error).toMatchObject({ code: 'LS601' });
    const said = [...written, JSON.stringify(verdict), error.message, JSON.stringify({ ...error })].join(
      '\n',
    );
    expect(said).toContain('LS601');
    expect(said).toContain('23505');
    expect(said).not.toContain(ROW);
    expect(said).not.toContain(runtime.password);
    expect(said).not.toContain('"startedAt"');
  });
});

test('metrics have the namespace and the one dimension that alarms look for', async () => {
  await steps.plan('run-1');
  const [metric] = lines().filter((line) => '_aws' in line);
  expect(metric).toMatchObject({
    target: runtime.target(),
    MigrationsPending: 2,
    PlansWithNothingToDo: 0,
  });
  expect(metric?._aws).toMatchObject({
    CloudWatchMetrics: [
      {
        Namespace: 'Lockstep',
        Dimensions: [['target']],
        Metrics: [
          { Name: 'MigrationsPending', Unit: 'Count' },
          { Name: 'PlansWithNothingToDo', Unit: 'Count' },
        ],
      },
    ],
  });
});

test('what the engine tells of waiting and back-fills becomes metrics at once', () => {
  const observe = engineEvents({ log: logger, metrics, trace: new RevisionTrace(() => undefined) });
  observe({ kind: 'blocking', migration: '0001_a', sessions: 3, longestMs: 1_500 });
  observe({
    kind: 'backfill-progress',
    migration: '0002_b',
    keys: 1,
    share: 0.254,
    leftMs: null,
    batchSize: 1,
  });
  const found = lines().filter((line) => '_aws' in line);
  expect(found).toMatchObject([{ BlockedMilliseconds: 1_500 }, { BackfillPercent: 25 }]);
  const told = lines().find(({ message }) => message === 'blocking');
  expect(told).toMatchObject({ migration: '0001_a', sessions: 3, longestMs: 1_500 });
});
