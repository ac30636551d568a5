/**
 * Restore database: after a roll-out that was unhealthy and has been sent back. At the first call it says what a person is
 * to be asked; when somebody has approved it begins a new database made of the run's restore point, and looks how far it is
 * at the later calls; the state machine waits in between. Whatever ends it is in the verdict, never thrown: refused, not
 * answered in time, or RDS makes none.
 */
import { RDSClient } from '@aws-sdk/client-rds';
import { RdsRestoredCluster } from '../lib/adapters/rds/restored-cluster.ts';
import { RdsRestoredInstance } from '../lib/adapters/rds/restored-instance.ts';
import { nameIn, refusalOf } from '../lib/core/approval/index.ts';
import { asLockstepError, LockstepError } from '../lib/core/errors/index.ts';
import {
  notRestoredVerdict,
  type RestorationRequest,
  restorationRequest,
  restoredId,
  restoredVerdict,
  stepRestoration,
} from '../lib/core/restore-point/index.ts';
import {
  type RestoreDatabase,
  restoreDatabaseInputSchema,
  restoreDatabaseOutputSchema,
} from '../lib/core/workflow/index.ts';
import { awsClient } from './_runtime/aws-clients.ts';
import { handlerFor, type Invocation } from './_runtime/handler.ts';
import { errorFields } from './_runtime/observability.ts';
import { readSettings } from './_runtime/settings.ts';

const rds = awsClient((limits) => new RDSClient(limits));

export const handler = handlerFor({
  name: 'restore-database',
  input: restoreDatabaseInputSchema,
  output: restoreDatabaseOutputSchema,
  runId: ({ run }) => run.id,
  async run({ run, ...state }, { log }): Promise<RestoreDatabase> {
    const { target, restoreTimeoutSeconds } = readSettings(['target', 'restoreTimeoutSeconds']);
    const { status, failure } = state.restoration;
    const request = requestOf(state, target);
    if (!request) return ended(state, 'none');
    switch (status) {
      case 'unasked': {
        const asked = restorationRequest({
          ...request,
          verdict: state.verdict,
          execution: run.execution,
          timeoutSeconds: restoreTimeoutSeconds,
        });
        return { ...state, restoration: { ...state.restoration, status: 'asking', request: asked } };
      }
      case 'asking':
        if (failure) return notRestored(state, refused(failure), log);
        return restore(state, request, log);
      case 'restoring':
        return restore(state, request, log);
      case 'none':
      case 'restored':
      case 'not-restored':
        return state;
      default:
        return status satisfies never;
    }
  },
});

/** Undefined when the run has no restore point that could be brought back. */
function requestOf(
  { followed, restorePoint }: RestoreDatabase,
  target: string,
): RestorationRequest | undefined {
  const { status, id, record } = restorePoint;
  if (status !== 'available' || id === null || !record) return undefined;
  return { id: restoredId(target, followed), target, run: followed.execution, restorePoint: id, record };
}

async function restore(
  state: RestoreDatabase,
  request: RestorationRequest,
  log: Invocation['log'],
): Promise<RestoreDatabase> {
  const { record, id } = request;
  const { type } = record.settings;
  const store = type === 'cluster' ? new RdsRestoredCluster(rds()) : new RdsRestoredInstance(rds());
  try {
    const found = await store.ensure(request);
    const { answer } = state.restoration;
    const restoration = { ...stepRestoration(state.restoration, id, found), answer };
    if (found.kind === 'creating') return { ...state, restoration };
    log.info('the restore point is brought back', { restored: found.identifier });
    return { ...state, restoration, verdict: restoredVerdict(state.verdict, record, found, nameIn(answer)) };
  } catch (error) {
    return notRestored(state, asLockstepError(error), log);
  }
}

function notRestored(state: RestoreDatabase, error: LockstepError, log: Invocation['log']): RestoreDatabase {
  log.warn('the restore point is not brought back', errorFields(error));
  return { ...ended(state, 'not-restored'), verdict: notRestoredVerdict(state.verdict, error) };
}

const ended = (state: RestoreDatabase, status: 'none' | 'not-restored'): RestoreDatabase => ({
  ...state,
  restoration: { status, waitSeconds: 0, waitedSeconds: state.restoration.waitedSeconds },
});

const refused = (failure: { readonly Error: string; readonly Cause?: string | undefined }): LockstepError =>
  new LockstepError('LS752', {
    what: refusalOf('the restore', failure).why,
    state: 'Nothing was restored.',
    remedy: 'Do it by hand if it is needed after all.',
  });
