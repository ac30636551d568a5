/**
 * What `npm start` shows, in three acts on one database: roll out, roll back, take over. The user's own migrations
 * get the first act only.
 *
 * Invariants: everything that is shown is done for real, by the same code that is deployed, and each promise to
 * the reader is checked against the database, the lease table and the event bus; one that is not kept makes the
 * demo fail. However it ends (well, by an error, by Ctrl-C), no process, server or folder is left.
 *
 * What can fail: LS605 when interrupted, LS104 or LS102 when no local server can be started, what is wrong with
 * the user's migrations or database, and LS901 for a promise that was not kept.
 */
import type { DatabaseConfig } from '../../adapters/postgres/index.ts';
import { Disposers } from '../disposers.ts';
import { type LocalRuntime, startLocalRuntime } from '../runtime.ts';
import { rollBack } from './act-roll-back.ts';
import { rollOut } from './act-roll-out.ts';
import { takeOver } from './act-take-over.ts';
import { close, type Played, timed, untilAborted } from './closing.ts';
import { GREETING, Narrator, type Page } from './narrator.ts';
import { Promises } from './promises.ts';
import { SAMPLE } from './releases.ts';
import type { AppStage } from './stage.ts';
import { plural, seconds, table } from './words.ts';

export type { Page };

export interface DemoOptions {
  readonly page: Page;
  readonly signal: AbortSignal;
  /** The user's own; default: the sample set, with all three acts. */
  readonly migrations?: string | undefined;
  /** The user's own; default: a new one on an embedded server. */
  readonly database?: DatabaseConfig | undefined;
}

export interface DemoResult {
  readonly acts: readonly { readonly act: string; readonly result: string; readonly durationMs: number }[];
  readonly promisesKept: number;
}

/** Reads a column that every version of the sample's app needs. */
const SAMPLE_PROBE = 'SELECT display_name FROM users LIMIT 1';

export async function runDemo(options: DemoOptions): Promise<DemoResult> {
  const { page, signal } = options;
  const disposers = new Disposers();
  const startedMs = performance.now();
  try {
    page.line(GREETING);
    const migrations = options.migrations ?? SAMPLE;
    const runtime = await startLocalRuntime({ migrations, database: options.database, signal }, disposers);
    await introduce(page, runtime, performance.now() - startedMs);
    const narrator = new Narrator(page);
    const promises = new Promises(narrator);
    const probeSql = options.migrations === undefined ? SAMPLE_PROBE : 'SELECT 1';
    const stage: AppStage = { runtime, narrator, promises, probeSql, instances: [] };
    const played = await untilAborted(signal, playActs(stage, options.migrations));
    close(page, promises, { heading: 'act', played, startedMs });
    const acts = played.map(({ name: act, ...rest }) => ({ act, ...rest }));
    return { acts, promisesKept: promises.kept };
  } finally {
    await disposers.run();
  }
}

async function playActs(stage: AppStage, ownMigrations: string | undefined): Promise<Played[]> {
  const first = await timed('1 roll out', () => rollOut(stage, ownMigrations ?? SAMPLE));
  if (ownMigrations !== undefined) return [first];
  return [
    first,
    await timed('2 roll back', () => rollBack(stage, SAMPLE)),
    await timed('3 take over', () => takeOver(stage, SAMPLE)),
  ];
}

async function introduce(page: Page, runtime: LocalRuntime, tookMs: number): Promise<void> {
  const { cloud, server, database, directory, reaped } = runtime;
  const states = Object.keys(cloud.workflow.definition.States).length;
  const rows = [
    ...reaped.map((pid) => ['Left over', `server ${pid} of a run that was killed: stopped`]),
    [
      'PostgreSQL',
      server
        ? `embedded, 127.0.0.1:${server.port}, data in ${server.dataDirectory}`
        : `${database.host}:${database.port}, ${database.database}`,
    ],
    ['DynamoDB', `in this process, ${cloud.endpoints.dynamodb}`],
    ['AWS', `stand-ins for RDS, EventBridge, Step Functions and Secrets Manager, ${cloud.endpoints.aws}`],
    [
      'Workflow',
      `synthesized by CDK: ${states} states, ${plural(Object.keys(cloud.workflow.functions).length, 'function')}`,
    ],
    ['Logs', `${directory}/functions.log while this runs`],
  ];
  for (const line of table(rows)) page.line(`  ${line}`);
  page.line(page.paint('dim', `  started in ${seconds(tookMs)}`));
}
