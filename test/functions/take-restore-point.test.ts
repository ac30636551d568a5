/** Take restore point, over HTTP against a stand-in for RDS that speaks its protocol. */
import {
  afterAll,
  afterEach,
  beforeAll,
  beforeEach,
  describe,
  expect,
  onTestFinished,
  test,
  vi,
} from 'vitest';

vi.hoisted(() =>
  Object.assign(process.env, { POWERTOOLS_LOG_LEVEL: 'SILENT', POWERTOOLS_METRICS_DISABLED: 'true' }),
);

import { metrics } from '../../functions/_runtime/observability.ts';
import { handler } from '../../functions/take-restore-point.ts';
import { restorePointId } from '../../lib/core/restore-point/index.ts';
import {
  Metric,
  type PlanData,
  type RestorePointProgress,
  type Run,
  restorePointSchema,
} from '../../lib/core/workflow/index.ts';
import { AwsError, type Service } from '../../lib/local/aws/service.ts';
import { rdsService } from '../../lib/local/aws/snapshots.ts';
import { contextOf, type FunctionRuntime, runOf, startFunctionRuntime, TARGET } from './function-runtime.ts';

const plan: PlanData = {
  pending: ['0001_a'],
  pendingCount: 1,
  appliedCount: 0,
  hazards: [],
  toRevision: null,
  phase: null,
  forceContract: false,
  lastEntryId: '0',
  bundleDigest: 'abc',
};
const requested: RestorePointProgress = { status: 'requested', id: null, waitSeconds: 0, waitedSeconds: 0 };

/** The stand-in's actions; replaced for each test, because the function keeps its client. */
const actions: Record<string, Service[string]> = {};
let runtime: FunctionRuntime;
beforeAll(async () => {
  runtime = await startFunctionRuntime({ rds: actions });
});
afterAll(() => runtime.close());

let finishSnapshots: () => void;
let deleted: string[];

beforeEach(async () => {
  const finishing = Promise.withResolvers<void>();
  finishSnapshots = finishing.resolve;
  deleted = [];
  const storage = {
    create: () => finishing.promise,
    remove: async (id: string) => {
      deleted.push(id);
    },
  };
  Object.assign(actions, rdsService(storage));
  Object.assign(process.env, {
    LOCKSTEP_RESTORE_POINT: 'rds-instance',
    LOCKSTEP_RESTORE_POINT_SOURCE: 'orders-db',
    LOCKSTEP_RESTORE_POINT_KEEP: '2',
    LOCKSTEP_RESTORE_POINT_METHOD: 'snapshot',
  });
});
afterEach(() => vi.restoreAllMocks());

const take = async (run: Run, restorePoint = requested): Promise<RestorePointProgress> =>
  restorePointSchema.parse(await handler({ run, plan, restorePoint }, contextOf()));

/** Until the snapshot, which is finished in the next turn of the loop, is available. */
async function takeUntilAvailable(run: Run): Promise<RestorePointProgress> {
  finishSnapshots();
  let restorePoint = requested;
  while (restorePoint.status !== 'available') restorePoint = await take(run, restorePoint);
  return restorePoint;
}

describe.each([
  ['rds-instance', 'snapshot'],
  ['rds-cluster', 'snapshot'],
  ['rds-cluster', 'clone'],
])('taking a restore point of an %s as a %s', (kind, method) => {
  beforeEach(() => {
    process.env.LOCKSTEP_RESTORE_POINT = kind;
    process.env.LOCKSTEP_RESTORE_POINT_METHOD = method;
  });

  test('begins the snapshot, waits for it in growing steps, and ends when it is available', async () => {
    const run = runOf('run-1');
    const id = restorePointId(TARGET, run);
    const begun = await take(run);
    const record = {
      method,
      source: 'orders-db',
      at: expect.stringMatching(/^2\d{3}-.*:\d\dZ$/),
      settings: expect.any(Object),
    };
    expect(begun).toEqual({ status: 'creating', id, waitSeconds: 2, waitedSeconds: 0, record });
    const still = await take(run, begun);
    expect(still).toEqual({ status: 'creating', id, waitSeconds: 3, waitedSeconds: 2, record: begun.record });
    finishSnapshots();
    expect(await take(run, still)).toEqual({
      status: 'available',
      id,
      waitSeconds: 0,
      waitedSeconds: 5,
      record: begun.record,
    });
  });

  test('takes one snapshot per run, however often it is called and whatever is known', async () => {
    const run = runOf('run-1');
    const [a, b] = await Promise.all([take(run), take(run)]);
    expect(a.id).toBe(b.id);
    // A plan that is made anew asks again from the beginning.
    expect(await takeUntilAvailable(run)).toMatchObject({ id: a.id });
    expect((await takeUntilAvailable(runOf('run-2'))).id).not.toBe(a.id);
  });

  test('keeps the newest ones of the target and deletes the others', async () => {
    const ids: (string | null)[] = [];
    for (const name of ['run-1', 'run-2', 'run-3', 'run-4']) {
      ids.push((await takeUntilAvailable(runOf(name))).id);
      // The stand-in's times have milliseconds.
      await vi.waitUntil(() => Date.now() > lastMs);
      lastMs = Date.now();
    }
    expect(deleted).toEqual(ids.slice(0, 2));
  });
});

let lastMs = 0;

test('a clone that somebody has given an instance, or protected, stays whatever comes after it', async () => {
  process.env.LOCKSTEP_RESTORE_POINT = 'rds-cluster';
  process.env.LOCKSTEP_RESTORE_POINT_METHOD = 'clone';
  process.env.LOCKSTEP_RESTORE_POINT_KEEP = '1';
  const used = await takeUntilAvailable(runOf('run-1'));
  actions.CreateDBInstance?.({ DBClusterIdentifier: used.id, DBInstanceIdentifier: 'restored-1' });
  const guarded = await takeUntilAvailable(runOf('run-2'));
  actions.ModifyDBCluster?.({ DBClusterIdentifier: guarded.id, DeletionProtection: 'true' });
  const free = await takeUntilAvailable(runOf('run-3'));
  expect(deleted).toEqual([]);
  await takeUntilAvailable(runOf('run-4'));
  expect(deleted).toEqual([free.id]);
});

test('the schedule deletes what has become too old, and nothing else', async () => {
  const taken = await takeUntilAvailable(runOf('run-1'));
  const expire = () => handler({ expire: true }, contextOf());
  expect(await expire()).toEqual({ deleted: [] });
  process.env.LOCKSTEP_RESTORE_POINT_KEEP_DAYS = '3';
  onTestFinished(() => {
    delete process.env.LOCKSTEP_RESTORE_POINT_KEEP_DAYS;
    vi.useRealTimers();
  });
  const DAY_MS = 24 * 3600 * 1000;
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 3 * DAY_MS - 60_000 });
  expect(await expire()).toEqual({ deleted: [] });
  vi.setSystemTime(Date.now() + 120_000);
  expect(await expire()).toEqual({ deleted: [taken.id] });
  expect(deleted).toEqual([taken.id]);
});

describe('taking a restore point', () => {
  test('goes on when older ones can be neither listed nor deleted, and counts that', async () => {
    const added = vi.spyOn(metrics, 'addMetric');
    actions.DeleteDBSnapshot = () => {
      throw new AwsError('InvalidDBSnapshotState', 'in use');
    };
    process.env.LOCKSTEP_RESTORE_POINT_KEEP = '1';
    await takeUntilAvailable(runOf('run-1'));
    expect(added).not.toHaveBeenCalledWith(Metric.restorePointPruneFailures, 'Count', 1);
    expect(await takeUntilAvailable(runOf('run-2'))).toMatchObject({ status: 'available' });
    expect(added).toHaveBeenCalledWith(Metric.restorePointPruneFailures, 'Count', 1);
    expect(added).toHaveBeenCalledWith(Metric.restorePointWaitSeconds, 'Seconds', expect.any(Number));
  });

  test('fails when the database is in a state that allows no snapshot', async () => {
    actions.CreateDBSnapshot = () => {
      throw new AwsError('InvalidDBInstanceState', 'Instance orders-db is not in available state.');
    };
    actions.DescribeDBInstances = () => ({ DBInstances: { DBInstance: [{ DBInstanceStatus: 'stopped' }] } });
    await expect(take(runOf('run-1'))).rejects.toMatchObject({
      name: 'RestorePointError',
      message: expect.stringMatching(/^LS701: The instance orders-db is stopped, /),
    });
  });

  test('waits while the database makes a backup of its own', async () => {
    actions.CreateDBSnapshot = () => {
      throw new AwsError('InvalidDBInstanceState', 'Instance orders-db is not in available state.');
    };
    actions.DescribeDBInstances = () => ({
      DBInstances: { DBInstance: [{ DBInstanceStatus: 'backing-up' }] },
    });
    expect(await take(runOf('run-1'))).toMatchObject({ status: 'requested', waitSeconds: 2 });
  });

  test('fails when the snapshot failed', async () => {
    actions.DescribeDBSnapshots = () => ({
      DBSnapshots: { DBSnapshot: [{ DBSnapshotIdentifier: 'x', Status: 'failed' }] },
    });
    await expect(take(runOf('run-1'))).rejects.toMatchObject({ code: 'LS701' });
  });

  test('notes the time before the run instead, when that is the method: nothing is taken', async () => {
    process.env.LOCKSTEP_RESTORE_POINT_METHOD = 'point-in-time';
    delete actions.CreateDBSnapshot;
    const run = { ...runOf('run-1'), startedAt: '2026-11-21T15:00:00.250Z' };
    const noted = await take(run);
    // A commit in the same second must not be brought back.
    const at = '2026-11-21T14:59:59Z';
    expect(noted).toMatchObject({
      status: 'available',
      id: at,
      record: { method: 'point-in-time', source: 'orders-db', at },
    });
    expect(await take(run)).toEqual(noted);
  });

  test('does nothing for a target without restore points', async () => {
    for (const name of Object.keys(actions)) delete actions[name];
    const none: RestorePointProgress = { ...requested, status: 'none' };
    expect(await take(runOf('run-1'), none)).toEqual(none);
    process.env.LOCKSTEP_RESTORE_POINT = 'none';
    expect(await take(runOf('run-1'))).toEqual(none);
  });
});
