/**
 * One attempt as a workflow makes it: the lease is the execution's, so that a repeated invocation shares it with
 * one that still runs. It acquires (again), applies and leaves; releasing is a step of its own in a workflow.
 */
import { dynamoLeaseStore } from '../../lib/adapters/dynamodb/index.ts';
import { databaseConfigFrom } from '../../lib/adapters/postgres/config.ts';
import { systemClock } from '../../lib/adapters/process/clock.ts';
import { asLockstepError } from '../../lib/core/errors/index.ts';
import { apply } from '../../lib/engine/index.ts';
import { openSource } from '../../lib/settings/index.ts';

export interface AttemptArguments {
  readonly tableName: string;
  readonly target: string;
  readonly execution: string;
  readonly bundle: string;
  readonly durationMs: number;
}

const { tableName, target, execution, bundle, durationMs } = JSON.parse(
  process.argv[2] ?? '',
) as AttemptArguments;

async function attempt() {
  const leases = dynamoLeaseStore({ tableName });
  const database = databaseConfigFrom({ env: process.env, readFile: () => '' });
  const source = await openSource({ bundle });
  const result = await leases.tryAcquire({ target, holder: execution, durationMs });
  if (result.kind === 'held') throw new Error(`The lease is held by ${result.record.holder}`);
  return apply({ database, clock: systemClock, runId: execution, leases, lease: result.lease, source });
}

try {
  const { applied } = await attempt();
  process.stdout.write(JSON.stringify({ applied }));
} catch (thrown) {
  const { code, what } = asLockstepError(thrown);
  process.stdout.write(JSON.stringify({ error: { code, what } }));
  process.exitCode = 1;
}
