/**
 * Second act: a release whose third migration fails. It leaves no trace, the two before it are reverted, deployers
 * are told to roll back, and the instances of the old version never stop serving.
 */
import { join } from 'node:path';
import type { LockstepError } from '../../core/errors/index.ts';
import { queryRows } from '../database-client.ts';
import { watchHealth } from './health-watch.ts';
import { historyOf, leaseIsFree } from './ledger.ts';
import { FAILING, makeRelease } from './releases.ts';
import { runError } from './run-error.ts';
import {
  type AppStage,
  compileRelease,
  type Run,
  rollBackSignalled,
  runWorkflow,
  type Stage,
} from './stage.ts';
import { list, plural } from './words.ts';

export async function rollBack(stage: AppStage, sample: string): Promise<string> {
  const { narrator, runtime } = stage;
  narrator.act('Act 2, roll back: a release of three migrations, the last of which fails');
  const migrations = await makeRelease(join(runtime.directory, 'act-2'), FAILING, sample);
  const release = await compileRelease(stage, 'act-2', migrations);
  const watched = watchHealth(stage.instances);
  const run = await runWorkflow(stage, release);
  const answers = await watched.stop();
  const error = run.verdict && (await runError(run.verdict, migrations));
  if (error) narrator.showError(error);
  await checkPromises(stage, run, error, answers);
  const reverted = plural(run.verdict?.reverted.length ?? 0, 'migration');
  return `the third failed, ${reverted} reverted; the old version answered ${plural(answers.length, 'request')}`;
}

/** Everything that the three migrations make. */
const TRACES = `SELECT 'tasks.priority' AS name FROM pg_attribute
  WHERE attrelid = 'tasks'::regclass AND attname = 'priority' AND NOT attisdropped
UNION ALL SELECT relname FROM pg_class WHERE relname IN ('labels', 'task_labels')`;

async function checkPromises(
  stage: Stage,
  run: Run,
  error: LockstepError | undefined,
  answers: readonly number[],
): Promise<void> {
  const { promises, runtime } = stage;
  const traces = (await queryRows<{ name: string }>(runtime.database, TRACES)).map(({ name }) => name);
  const entries = (await historyOf(stage)).filter(({ revision }) => Number(revision) > 8);
  const lastKinds = new Map(entries.map(({ revision, kind }) => [revision, kind]));
  promises.check(
    'the failing migration left no trace: no table, no entry in the ledger',
    !traces.includes('task_labels') && !lastKinds.has('0011'),
    list([...traces, ...lastKinds.keys()]),
  );
  promises.check(
    "the release's two other migrations were applied and reverted again",
    traces.length === 0 && lastKinds.get('0009') === 'reverted' && lastKinds.get('0010') === 'reverted',
    list([...traces, ...[...lastKinds].map((entry) => entry.join(' '))]),
  );
  promises.check(
    'the run failed and signalled roll back',
    run.outcome.status === 'FAILED' && rollBackSignalled(run),
    `${run.outcome.status}, ${list(run.signals)}`,
  );
  const { file, line, column } = error?.position ?? {};
  promises.check(
    'the error names file, line and column',
    file === '0011_label_overdue_tasks.sql' && line === 6 && column === 20,
    `${file}:${line}:${column}`,
  );
  promises.check('the lease is free', await leaseIsFree(stage));
  promises.check(
    'the instances of the old version answered every request',
    answers.length > 0 && answers.every((status) => status === 200),
    list([...new Set(answers)].map(String)),
  );
}
