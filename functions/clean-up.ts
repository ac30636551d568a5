/**
 * Clean up: after an execution that was stopped, timed out or failed, and so may have run no Catch. It ends the
 * run's database sessions, releases its lease and signals roll back. Started by an event that may come twice,
 * late or never; whatever it finds done already it leaves alone, and without it the next run takes over. Where the
 * next run may be weeks away, a schedule starts it, too, and then it looks who has the lease.
 *
 * An execution that runs again (a redrive) is not touched, nor is a lease or a session of another run.
 */
import { EventBridgeClient } from '@aws-sdk/client-eventbridge';
import { SFNClient } from '@aws-sdk/client-sfn';
import type * as z from 'zod';
import { EventBridgeSignal } from '../lib/adapters/eventbridge/index.ts';
import { systemClock } from '../lib/adapters/process/clock.ts';
import { type ExecutionState, executionState } from '../lib/adapters/stepfunctions/index.ts';
import { ErrorName } from '../lib/core/errors/index.ts';
import type { LeaseStore } from '../lib/core/lease/index.ts';
import { type Bundle, sourceOfBundle } from '../lib/core/plan/index.ts';
import { failedVerdict } from '../lib/core/rollout/index.ts';
import {
  anyRequestSchema,
  cleanUpInputSchema,
  cleanUpOutputSchema,
  type executionStatusEventSchema,
  Metric,
} from '../lib/core/workflow/index.ts';
import { endRunSessions } from '../lib/engine/index.ts';
import { attemptEach } from './_runtime/attempt.ts';
import { awsClient } from './_runtime/aws-clients.ts';
import { BUNDLE_SETTINGS, loadAnyBundle, NO_MIGRATIONS } from './_runtime/bundle.ts';
import { databaseConfig } from './_runtime/database.ts';
import { handlerFor } from './_runtime/handler.ts';
import { heldLease, leaseStore } from './_runtime/lease.ts';
import { MetricUnit } from './_runtime/observability.ts';
import { type Outcome, readOutcome } from './_runtime/outcome.ts';
import { DATABASE_SETTINGS, readSettings, type Settings } from './_runtime/settings.ts';

const stepFunctions = awsClient((limits) => new SFNClient(limits));
const eventBridge = awsClient((limits) => new EventBridgeClient(limits));

/** The database may be the very reason why the run ended: looking at it has to fit into the function's time. */
const CONNECT_BUDGET_MS = 30_000;
const SETTINGS = ['target', 'leaseTable', 'eventBusName', ...BUNDLE_SETTINGS, ...DATABASE_SETTINGS] as const;
type Detail = z.output<typeof executionStatusEventSchema>['detail'];

export const handler = handlerFor({
  name: 'clean-up',
  input: cleanUpInputSchema,
  output: cleanUpOutputSchema,
  runId: (input) => ('detail' in input ? input.detail.name : 'reconciler'),
  async run(input, { log, metrics, signal }) {
    const settings = readSettings(SETTINGS);
    const leases = leaseStore(settings.leaseTable);
    const detail = 'detail' in input ? input.detail : await endedHolder(leases, settings.target);
    if (!detail) return NOTHING_TO_DO;
    // Read first: should an attempt of a redrive take a newer token from here on, the release does nothing.
    const held = await heldLease(leases, settings.target, detail.executionArn);
    const execution = await executionState(stepFunctions(), detail.executionArn);
    log.info('an execution ended', {
      status: detail.status,
      now: execution.kind,
      holdsLease: held !== undefined,
    });
    if (execution.kind === 'running') return NOTHING_TO_DO;

    const attempt = attemptEach(log);
    // Only for names in the verdict: without it the rest is done all the same, and nobody has to look at this.
    const bundle = await attemptEach(log)('read the bundle', () =>
      loadAnyBundle(settings, bundleOf(execution)),
    );
    const found = await attempt('end its sessions and read the ledger', () =>
      endSessions(detail.name, settings, bundle, signal),
    );
    const verdict = stoppedVerdict(detail, settings.target, bundle, found);
    const isSignalDue = needsSignal(execution, found);
    const signalled =
      isSignalDue &&
      (await attempt('signal roll back', () =>
        new EventBridgeSignal(eventBridge(), settings.eventBusName).send(verdict).then(() => true),
      )) === true;
    // The event comes again with the run in it; the schedule finds the run by its lease only.
    const mayRelease = 'detail' in input || signalled === isSignalDue;
    const released =
      mayRelease &&
      held !== undefined &&
      (await attempt('release its lease', () => leases.release(held))) === 'released';

    const endedSessions = found?.endedSessions ?? 0;
    metrics.addMetric(Metric.sessionsEnded, MetricUnit.Count, endedSessions);
    // Lambda calls again; after its last try the event is kept for a person.
    const [failure] = attempt.failures;
    if (failure) throw failure;
    return { endedSessions, released, signalled };
  },
});

const NOTHING_TO_DO = { endedSessions: 0, released: false, signalled: false };

/** The execution that has the lease, if it has ended; undefined, too, when that cannot be told. Throws LS404. */
async function endedHolder(leases: LeaseStore, target: string): Promise<Detail | undefined> {
  const record = await leases.read(target);
  if (record?.state !== 'HELD') return undefined;
  const { holder } = record;
  const state = await executionState(stepFunctions(), holder);
  if (state.kind !== 'ended') return undefined;
  // One that succeeded has signalled, and only its lease is left: of what it applied the ledger tells.
  const status = state.status === undefined || state.status === 'SUCCEEDED' ? 'FAILED' : state.status;
  const name = holder.split(':').at(-1) ?? holder;
  return { executionArn: holder, name, status, startDate: state.startedAtMs ?? Date.now() };
}

/** As its input names it. */
function bundleOf(execution: ExecutionState): unknown {
  const { input = '{}' } = execution.kind === 'ended' ? execution : {};
  return anyRequestSchema.parse(JSON.parse(input)).bundle;
}

type Found = Outcome & { readonly endedSessions: number };

async function endSessions(
  runId: string,
  settings: Settings<(typeof SETTINGS)[number]>,
  bundle: Bundle | undefined,
  signal: AbortSignal,
): Promise<Found> {
  const database = { ...(await databaseConfig(settings)), connectBudgetMs: CONNECT_BUDGET_MS };
  const context = { database, clock: systemClock, signal };
  const endedSessions = await endRunSessions(context, runId);
  const source = bundle ? sourceOfBundle(bundle) : NO_MIGRATIONS;
  return { endedSessions, ...(await readOutcome(runId, { ...context, source })) };
}

/**
 * Not for a run that got as far as to signal by itself: its error is one of the catalogue then, or it has succeeded (also
 * after a redrive, of which an event that comes late does not know), whatever the ledger says or does not. Nor for one
 * that had applied everything, whatever stopped it then.
 */
function needsSignal(execution: ExecutionState, found: Found | undefined): boolean {
  const { error, status } = execution.kind === 'ended' ? execution : {};
  if (status === 'SUCCEEDED') return false;
  if (error === ErrorName.Signal) return true;
  return found?.record?.verdict !== 'applied' && !OWN_ERRORS.has(error);
}

const OWN_ERRORS: ReadonlySet<string | undefined> = new Set(Object.values(ErrorName));

const HOW_IT_ENDED = { ABORTED: 'was stopped', TIMED_OUT: 'ran out of time', FAILED: 'failed' } as const;

function stoppedVerdict(
  { name, status, startDate }: Detail,
  target: string,
  bundle: Bundle | undefined,
  found: Found | undefined,
) {
  const facts = {
    run: name,
    target,
    bundleDigest: bundle?.digest ?? '',
    restorePoint: found?.record?.restorePoint ?? null,
    durationMs: Date.now() - startDate,
  };
  const message = `LS605: The run ${name} ${HOW_IT_ENDED[status]}; its execution in Step Functions shows where.`;
  const error = { name: ErrorName.Interrupted, code: 'LS605', message };
  const reverted = found?.reverted ?? [];
  return failedVerdict(facts, { error, ledger: found, reverted, reversion: { kind: 'stopped' } });
}
