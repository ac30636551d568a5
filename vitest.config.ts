import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';
import { type TestServer, testServers } from './test/support/servers.ts';

/** What another server can break. */
const ON_EVERY_SERVER = [
  'test/engine/**/*.test.ts',
  'test/adapters/postgres-*.test.ts',
  'test/adapters/libpg-query.test.ts',
  'test/contract/lease-store.test.ts',
  'test/docs/privileges.test.ts',
];

/** By their modes: with tools that have to be fetched first, or longer than `npm test` may take. */
const EXTRA_SUITES: Readonly<Record<string, string>> = {
  alembic: 'test/tools/alembic.suite.ts',
  browser: 'test/tools/browser.suite.ts',
  dynamodb: 'test/tools/dynamodb.suite.ts',
  emulator: 'test/tools/emulator.suite.ts',
  migrators: 'test/tools/migrators.suite.ts',
  frameworks: 'test/tools/frameworks.suite.ts',
  load: 'test/load/{load,executions}.suite.ts',
  more: 'test/{cli,e2e,runbook}/*.suite.ts',
  mutants: 'test/mutants/*.suite.ts',
  waiters: 'test/load/waiters.suite.ts',
};

/** Those that wait or build for long: begun last, they would be all that runs at the end. */
const LONG = [
  'test/faults/mutants.test.ts',
  'test/package/',
  'test/e2e/',
  'test/faults/',
  'test/engine/locks.test.ts',
];

class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const place = ({ moduleId }: TestSpecification) => {
      const found = LONG.findIndex((name) => moduleId.includes(name));
      return found === -1 ? LONG.length : found;
    };
    return (await super.sort(files)).toSorted((a, b) => place(a) - place(b));
  }
}

/**
 * `npm test` runs in the mode `servers`, with the newest and the oldest; `npm run test:more` has those in between. Without a
 * mode only the newest server is used, for whoever works on a test.
 */
export default defineConfig(({ mode }) => {
  const { newest, others, notes } = testServers(process.env.LOCKSTEP_TEST_POSTGRES);
  const [oldest, ...between] = others;
  const chosen = { servers: oldest ? [oldest] : [], more: between }[mode] ?? [];
  const mine = [EXTRA_SUITES[mode] ?? 'test/**/*.test.ts'];
  if (mode === 'servers') for (const note of notes) console.warn(note);
  return {
    test: {
      // The tests themselves may run in a Pod or a task, where apps do not migrate by default.
      env: { KUBERNETES_SERVICE_HOST: '', ECS_CONTAINER_METADATA_URI_V4: '' },
      testTimeout: 60_000,
      hookTimeout: 120_000,
      // The suites start real processes and wait for them for much of their time: more than a small machine has cores.
      maxWorkers: 5,
      sequence: { sequencer: LongestFirst },
      projects: [
        project(newest, mine),
        // Their files share processes, which on the newest server are one each: a third of the time is that of loading.
        ...chosen.map((s) => project(s, ON_EVERY_SERVER, { isolate: false })),
      ],
    },
  };
});

function project({ name, binaries }: TestServer, include: string[], options: { isolate?: boolean } = {}) {
  return {
    extends: true as const,
    test: {
      name,
      include,
      ...options,
      globalSetup: ['test/support/global-setup.ts'],
      provide: { postgresBinaries: binaries, postgresName: name },
    },
  };
}
