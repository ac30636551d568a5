/** Restore database, over HTTP against a stand-in for RDS that speaks its protocol. */
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';

vi.hoisted(() =>
  Object.assign(process.env, { POWERTOOLS_LOG_LEVEL: 'SILENT', POWERTOOLS_METRICS_DISABLED: 'true' }),
);

import { handler } from '../../functions/restore-database.ts';
import {
  RESTORATION_BUDGET_SECONDS,
  type Restoration,
  type RestoreRecord,
  stepRestoration,
  UNASKED,
} from '../../lib/core/restore-point/index.ts';
import { sentBackVerdict } from '../../lib/core/rollout/index.ts';
import type { RestoreDatabase } from '../../lib/core/workflow/index.ts';
import { copyActions } from '../../lib/local/aws/copies.ts';
import { AwsError, type Service } from '../../lib/local/aws/service.ts';
import { contextOf, type FunctionRuntime, runOf, startFunctionRuntime, TARGET } from './function-runtime.ts';

const actions: Record<string, Service[string]> = {};
let runtime: FunctionRuntime;
beforeAll(async () => {
  runtime = await startFunctionRuntime({ rds: actions });
  process.env.LOCKSTEP_RESTORE_TIMEOUT_SECONDS = '14400';
});
afterAll(() => runtime.close());

let finish: (port: number) => void;
let restoring: string[];
beforeEach(() => {
  const started = Promise.withResolvers<number>();
  finish = started.resolve;
  restoring = [];
  const storage = {
    start: () => started.promise,
    restore: (id: string, snapshot: string) => {
      restoring.push(`${id} from ${snapshot}`);
      return started.promise;
    },
    stop: async () => undefined,
  };
  Object.assign(actions, copyActions(storage));
});

const record: RestoreRecord = {
  method: 'snapshot',
  source: 'orders-db',
  at: '2026-11-21T15:00:00Z',
  settings: {
    type: 'instance',
    subnetGroup: 'private',
    securityGroups: ['sg-1'],
    parameterGroup: 'orders-pg18',
    port: 5432,
    iamLogin: false,
    deletionProtection: true,
    instanceClass: 'db.r8g.large',
    multiAz: false,
    publiclyAccessible: false,
    storageType: 'gp3',
  },
};
const followed = runOf('the-run');
const verdict = sentBackVerdict(
  { run: 'the-run', target: TARGET, bundleDigest: 'abc', restorePoint: 'lockstep-1', durationMs: 1 },
  {
    rollOut: { deployment: 'd-1', runs: 'old', reason: 'the alarm a rang' },
    policy: 'restore',
    stopError: null,
    ledger: { applied: ['0002_b'], notApplied: [], partial: [], repeatables: [] },
    reverted: [],
    reversion: { kind: 'not-asked' },
  },
);
const state: RestoreDatabase = {
  followed,
  restorePoint: { status: 'available', id: 'lockstep-1', waitSeconds: 0, waitedSeconds: 0, record },
  verdict,
  restoration: UNASKED,
};
const call = (given: RestoreDatabase): Promise<RestoreDatabase> =>
  handler({ run: runOf('follower'), ...given }, contextOf());
const asked = (): Promise<RestoreDatabase> => call(state);
const answered = async (more: Partial<Restoration>): Promise<RestoreDatabase> => {
  const before = await asked();
  return { ...before, restoration: { ...before.restoration, ...more } };
};

test('while a person is asked the verdict says so', () => {
  expect(verdict.next).toMatch(
    /^A person is asked whether the restore point lockstep-1 is to be brought back\. /,
  );
});

describe('before anybody has answered', () => {
  test('it says what happened, what would be made, and what would not be in it; and makes nothing', async () => {
    const { restoration } = await asked();
    expect(restoration).toMatchObject({ status: 'asking', waitSeconds: 0 });
    const { subject, before, after } = restoration.request!;
    expect(subject).toBe(`Lockstep: bring the data of ${TARGET} back to 2026-11-21T15:00:00Z?`);
    expect(before).toContain(verdict.message);
    expect(before).toContain(
      'the snapshot lockstep-1 of instance orders-db, asked for at 2026-11-21T15:00:00Z',
    );
    expect(before).toMatch(/^To be made: the instance lockstep-restored-[0-9a-f]{16}, /m);
    expect(before).toContain('all that was written since 2026-11-21T15:00:00Z, by whomever');
    expect(before).toMatch(/without an answer within\n4 h nothing is restored/);
    expect(before.endsWith("TOKEN='")).toBe(true);
    expect(after).toContain('send-task-failure');
    expect(restoring).toEqual([]);
  });

  test.each([
    ['was never begun', { status: 'requested', id: null, waitSeconds: 0, waitedSeconds: 0 }],
    ['is none', { status: 'none', id: null, waitSeconds: 0, waitedSeconds: 0 }],
  ] as const)('of a run whose restore point %s nobody is asked', async (_, restorePoint) => {
    expect(await call({ ...state, restorePoint })).toMatchObject({
      restoration: { status: 'none' },
      verdict,
    });
  });
});

describe('when somebody has approved', () => {
  test('it makes one new database, waits for it in growing steps, and says where it is', async () => {
    const approved = await answered({ answer: { by: 'Ann' } });
    const [begun] = await Promise.all([call(approved), call(approved)]);
    expect(begun.restoration).toMatchObject({ status: 'restoring', waitSeconds: 2, waitedSeconds: 0 });
    expect(restoring).toEqual([expect.stringMatching(/^lockstep-restored-[0-9a-f]{16} from lockstep-1$/)]);
    const still = await call(begun);
    expect(still.restoration).toMatchObject({ status: 'restoring', waitSeconds: 3, waitedSeconds: 2 });
    expect(still.verdict).toEqual(verdict);
    finish(6543);
    await vi.waitUntil(async () => (await call(still)).restoration.status === 'restored');
    const done = await call(still);
    const [identifier = ''] = restoring[0]?.split(' ') ?? [];
    expect(done.verdict.restored).toEqual({ identifier, host: '127.0.0.1', port: 6543 });
    expect(done.verdict.state).toContain(
      `As Ann approved, the data of before the run is in the new instance ${identifier}, at 127.0.0.1:6543. orders-db is as it was`,
    );
    expect(done.verdict.next).toContain('`lockstep restore plan the-run`');
    expect(done.verdict.next).not.toContain('A person is asked');
    // Asked again, it changes nothing.
    expect(await call(done)).toEqual(done);
  });

  test('that RDS makes none is in the verdict, which says that the old one is as it was: LS751', async () => {
    actions.RestoreDBInstanceFromDBSnapshot = () => {
      throw new AwsError('InstanceQuotaExceeded', 'too many');
    };
    const { restoration, verdict: told } = await call(await answered({ answer: {} }));
    expect(restoration.status).toBe('not-restored');
    expect(told.restored).toBeUndefined();
    expect(told.state).toMatch(
      / LS751: The instance lockstep-restored-\w+ could not be made .* The old database is as it was\.$/,
    );
  });

  test('that it takes more than four hours is, too', async () => {
    const late: Partial<Restoration> = {
      status: 'restoring',
      waitSeconds: 30,
      waitedSeconds: RESTORATION_BUDGET_SECONDS,
    };
    const { restoration, verdict: told } = await call(await answered(late));
    expect(restoration.status).toBe('not-restored');
    expect(told.state).toContain('LS751: lockstep-restored-');
  });
});

test.each([
  ['refused', { Error: 'Refused', Cause: 'Ann: not needed' }, 'The restore was refused: Ann: not needed.'],
  ['not answered in time', { Error: 'States.Timeout' }, 'Nobody approved the restore in time.'],
  [
    'not asked, because the request could not be sent',
    { Error: 'SNS.NotFoundException', Cause: 'no topic' },
    'The request for approval could not be sent: SNS.NotFoundException: no topic.',
  ],
])('%s: nothing is restored, and the verdict says why: LS752', async (_, failure, why) => {
  // Whatever else is there: what is no approval refuses.
  const { restoration, verdict: told } = await call(await answered({ failure, answer: { by: 'Ann' } }));
  expect(restoration.status).toBe('not-restored');
  expect(restoring).toEqual([]);
  expect(told.restored).toBeUndefined();
  expect(told.state).toContain(` LS752: ${why} Nothing was restored.`);
  expect(told.next).toContain('`lockstep restore plan the-run` says how to bring the data back by hand.');
});

test('waits grow to half a minute, so that the longest restore adds few events to an execution', () => {
  const waits: number[] = [];
  let restoration = UNASKED;
  expect(() => {
    for (;;) {
      restoration = stepRestoration(restoration, 'lockstep-restored-1', { kind: 'creating' });
      waits.push(restoration.waitSeconds);
    }
  }).toThrow(/^LS751: lockstep-restored-1 is not available after 240 minutes\./);
  expect(Math.max(...waits)).toBe(30);
  // A task of a function, a choice and a wait are nine events.
  expect(waits.length * 9).toBeLessThan(5_000);
});
