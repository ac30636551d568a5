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
import { fileURLToPath } from 'node:url';
import type { DatabaseConfig } from '../../adapters/postgres/index.ts';
import { LockstepError } from '../../core/errors/index.ts';
import { Disposers } from '../disposers.ts';
import { type LocalRuntime, startLocalRuntime } from '../runtime.ts';
import { rollBack } from './act-roll-back.ts';
import { rollOut } from './act-roll-out.ts';
import { takeOver } from './act-take-over.ts';
import { Narrator, type Page } from './narrator.ts';
import { Promises } from './promises.ts';
import type { Stage } from './stage.ts';
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

const SAMPLE = fileURLToPath(new URL('../../../migrations', import.meta.url));
/** Reads a column that every version of the sample's app needs. */
const SAMPLE_PROBE = 'SELECT display_name FROM users LIMIT 1';

export async function runDemo(options: DemoOptions): Promise<DemoResult> {
  const { page, signal } = options;
  const disposers = new Disposers();
  const startedMs = performance.now();
  try {
    page.line(
      'Lockstep on this machine: no account, no installed server. Ctrl-C ends it and leaves nothing behind.',
    );
    const migrations = options.migrations ?? SAMPLE;
    const runtime = await startLocalRuntime({ migrations, database: options.database, signal }, disposers);
    await introduce(page, runtime, performance.now() - startedMs);
    const narrator = new Narrator(page);
    const promises = new Promises(narrator);
    const probeSql = options.migrations === undefined ? SAMPLE_PROBE : 'SELECT 1';
    const stage: Stage = { runtime, narrator, promises, probeSql, instances: [] };
    const acts = await untilAborted(signal, playActs(stage, options.migrations));
    if (promises.broken.length > 0) throw broken(promises.broken);
    page.line('');
    for (const line of summary(acts)) page.line(line);
    const took = seconds(performance.now() - startedMs);
    page.line('');
    page.line(page.paint('green', `All ${plural(promises.kept, 'promise')} kept, in ${took}.`));
    return { acts, promisesKept: promises.kept };
  } finally {
    await disposers.run();
  }
}

async function playActs(stage: Stage, ownMigrations: string | undefined): Promise<DemoResult['acts']> {
  const acts: DemoResult['acts'][number][] = [];
  const play = async (act: string, perform: () => Promise<string>) => {
    const startedMs = performance.now();
    const result = await perform();
    acts.push({ act, result, durationMs: Math.round(performance.now() - startedMs) });
  };
  await play('1 roll out', () => rollOut(stage, ownMigrations ?? SAMPLE));
  if (ownMigrations !== undefined) return acts;
  await play('2 roll back', () => rollBack(stage, SAMPLE));
  await play('3 take over', () => takeOver(stage, SAMPLE));
  return acts;
}

/** What is still being done when the signal comes ends with the processes that do it. */
async function untilAborted<T>(signal: AbortSignal, work: Promise<T>): Promise<T> {
  work.catch(() => undefined);
  signal.throwIfAborted();
  const aborted = new Promise<never>((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  });
  return Promise.race([work, aborted]);
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

const summary = (acts: DemoResult['acts']): string[] =>
  table([
    ['act', 'took', 'result'],
    ...acts.map(({ act, durationMs, result }) => [act, seconds(durationMs), result]),
  ]);

const broken = (promises: readonly string[]): LockstepError =>
  new LockstepError('LS901', {
    what: `${plural(promises.length, 'promise')} of the demo not kept: ${promises.join('; ')}.`,
    state: 'The database that it used is removed, unless it is your own.',
    remedy: 'Run it again; if it happens again, report it with the lines above.',
  });
