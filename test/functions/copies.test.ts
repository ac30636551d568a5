/** Make copy and Remove copies, over HTTP against a stand-in for RDS that speaks its protocol. */
import { afterAll, beforeAll, beforeEach, expect, test, vi } from 'vitest';

vi.hoisted(() =>
  Object.assign(process.env, { POWERTOOLS_LOG_LEVEL: 'SILENT', POWERTOOLS_METRICS_DISABLED: 'true' }),
);

import { handler as makeCopy } from '../../functions/make-copy.ts';
import { handler as removeCopies } from '../../functions/remove-copies.ts';
import { COPY_BUDGET_SECONDS, type CopyProgress, noCopy } from '../../lib/core/rehearsal/copy-progress.ts';
import { copyActions } from '../../lib/local/aws/copies.ts';
import type { Service } from '../../lib/local/aws/service.ts';
import { contextOf, type FunctionRuntime, runOf, startFunctionRuntime } from './function-runtime.ts';

/** The stand-in's actions; replaced for each test, because the functions keep their client. */
const actions: Record<string, Service[string]> = {};
let runtime: FunctionRuntime;
beforeAll(async () => {
  runtime = await startFunctionRuntime(
    { rds: actions },
    { copyKind: 'rds-instance', copySource: 'orders-db' },
  );
});
afterAll(() => runtime.close());

let started: Map<string, (port: number) => void>;
let stopped: string[];
beforeEach(() => {
  started = new Map();
  stopped = [];
  Object.assign(
    actions,
    copyActions({
      start: (id) => new Promise((resolve) => started.set(id, resolve)),
      restore: async () => 5432,
      stop: async (id) => {
        stopped.push(id);
      },
    }),
  );
});

const run = runOf('run-1');
const make = (copy: CopyProgress): Promise<CopyProgress> => makeCopy({ run, copy }, contextOf());
const remove = (event: object) => removeCopies(event, contextOf());
const ID = 'lockstep-copy-1';

test('a copy is begun once, waited for, and told when it can be logged in to', async () => {
  let copy = await make(noCopy(ID));
  expect(copy).toMatchObject({ status: 'creating', id: ID, host: null, waitSeconds: 2 });
  copy = await make(copy);
  expect(copy).toMatchObject({ status: 'creating', waitSeconds: 3, waitedSeconds: 2 });
  started.get(ID)?.(6000);
  await Promise.resolve();
  expect(await make(copy)).toMatchObject({ status: 'ready', host: '127.0.0.1', port: 6000, waitSeconds: 0 });
  expect([...started.keys()]).toEqual([ID]);
});

test('the copy of a run is removed, also twice, and before it was ready', async () => {
  const copy = await make(noCopy(ID));
  expect(await remove({ run, copy })).toEqual({ removed: [ID] });
  expect(await remove({ run, copy })).toEqual({ removed: [ID] });
  expect(stopped).toEqual([ID]);
});

test('the schedule removes copies that have expired, and no others', async () => {
  await make(noCopy(ID));
  const event = { source: 'aws.events', 'detail-type': 'Scheduled Event', id: 'x', detail: {} };
  expect(await remove(event)).toEqual({ removed: [] });
  const now = vi.spyOn(Date, 'now').mockReturnValue(Date.now() + 1000 * (COPY_BUDGET_SECONDS + 3 * 3600));
  // A signature of another time would be refused by AWS; the stand-in looks at none.
  expect(await remove(event).finally(() => now.mockRestore())).toEqual({ removed: [ID] });
  expect(stopped).toEqual([ID]);
});

test('those of another target stay', async () => {
  await make(noCopy(ID));
  process.env.LOCKSTEP_TARGET = 'others';
  const now = vi.spyOn(Date, 'now').mockReturnValue(Date.now() + 1000 * (COPY_BUDGET_SECONDS + 3 * 3600));
  const removed = await remove({}).finally(() => now.mockRestore());
  process.env.LOCKSTEP_TARGET = 'orders';
  expect(removed).toEqual({ removed: [] });
});
