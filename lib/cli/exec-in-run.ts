/**
 * `exec` in a task of the workflow: the run that started the task holds the lease, and this is an attempt of it. The login
 * is in the PG* variables, where most migrators look, too; for the others it is made into a DATABASE_URL.
 *
 * Who is authoritative: the ledger, where the workflow reads how the command ended; the exit code is for people.
 * What can fail: LS102, LS402 when the run does not hold the lease any more, LS806, and what `exec` fails with.
 */
import type { DatabaseConfig } from '../adapters/postgres/config.ts';
import { LockstepError, NOTHING_CHANGED } from '../core/errors/index.ts';
import { heldLease } from '../core/lease/index.ts';
import { readTaskInput } from '../core/workflow/task-input.ts';
import { type ExecResult, execInRun as execute } from '../engine/exec.ts';
import type { Work } from './exec.ts';

/** @param text the input of the task, as the workflow gives it */
export async function execInRun(text: string, { target, leases, ...work }: Work): Promise<ExecResult> {
  const { run, restorePointId, restoreRecord } = readTaskInput(text);
  if (leases === 'postgres') throw noLeaseStore();
  const held = await heldLease(leases, target, run.execution);
  if (!held) throw notHolder(target);
  const { id: runId } = run;
  const lease = { ...held, token: 0 };
  return execute({ ...work, runId, leases, lease, restorePoint: restorePointId, restoreRecord });
}

/** The environment of the command: without the task's input, and with an address for those that read no PG* variables. */
export function environmentInRun(
  { LOCKSTEP_TASK_INPUT: _, ...env }: NodeJS.ProcessEnv,
  database: DatabaseConfig,
): NodeJS.ProcessEnv {
  const { PGUSER = '', PGPASSWORD = '' } = env;
  const host = database.host.includes(':') ? `[${database.host}]` : database.host;
  const url = new URL(`postgres://${host}:${database.port}`);
  url.pathname = `/${encodeURIComponent(database.database)}`;
  url.username = encodeURIComponent(PGUSER);
  url.password = encodeURIComponent(PGPASSWORD);
  url.searchParams.set('sslmode', database.tls === 'disable' ? 'disable' : 'require');
  return { DATABASE_URL: url.href, ...env };
}

const noLeaseStore = (): LockstepError =>
  new LockstepError('LS102', {
    what: 'The run of a workflow has its lease in DynamoDB, and no table is named.',
    state: NOTHING_CHANGED,
    remedy: 'Set LOCKSTEP_LEASE to dynamodb:// and the name of the table, as the construct does.',
  });

const notHolder = (target: string): LockstepError =>
  new LockstepError('LS402', {
    what: `The run that started this task does not hold the lease on ${target} any more.`,
    state: NOTHING_CHANGED,
    remedy: 'Nothing is to be done: the workflow says how the run ended.',
    context: { target },
  });
