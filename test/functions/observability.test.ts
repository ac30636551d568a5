/** What the functions write to their log and put into metrics, with everything turned on that could say too much. */
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';

vi.hoisted(() =>
  Object.assign(process.env, {
    POWERTOOLS_LOG_LEVEL: 'DEBUG',
    POWERTOOLS_LOGGER_LOG_EVENT: 'true',
    POWERTOOLS_METRICS_DISABLED: 'false',
  }),
);

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

describe('the log of a function', () => {
  test('names the run and the invocation in each line', async () => {
    await steps.plan('run-1');
    const logged = lines().filter((line) => 'level' in line);
    expect(logged.length).toBeGreaterThan(0);
    for (const line of logged)
      expect(line).toMatchObject({ service: 'lockstep', run: 'run-1', function_request_id: 'request-1' });
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
  expect(metric).toMatchObject({ target: runtime.target(), MigrationsPending: 2 });
  expect(metric?._aws).toMatchObject({
    CloudWatchMetrics: [
      {
        Namespace: 'Lockstep',
        Dimensions: [['target']],
        Metrics: [{ Name: 'MigrationsPending', Unit: 'Count' }],
      },
    ],
  });
});
