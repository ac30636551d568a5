/**
 * Faults of a run where no process of the command is: beside the signal and its receivers, and when the functions are
 * deployed with other migrations in the middle of a run. The machine is as CDK synthesizes it, the functions are as they are.
 */
import { copyFile } from 'node:fs/promises';
import { Topic } from 'aws-cdk-lib/aws-sns';
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import { StateName } from '../../lib/core/workflow/index.ts';
import { AwsError, type Service } from '../../lib/local/aws/service.ts';
import type { LocalExecution } from '../../lib/local/index.ts';
import { type LocalCoordinator, startCoordinator } from './local-workflow.ts';

const insert = (n: number) => `INSERT INTO effects VALUES (${n});`;
const FILES = {
  '0001_effects.sql': `CREATE TABLE effects (n int); CREATE SEQUENCE tries; ${insert(1)}`,
  '0002_second.sql': insert(2),
};

let coordinator: LocalCoordinator;
beforeAll(async () => {
  coordinator = await startCoordinator({ receivers: (stack) => ({ topic: new Topic(stack, 'OnCall') }) });
}, 60_000);
afterAll(() => coordinator.stop());
beforeEach(() =>
  coordinator.query(
    'DROP SCHEMA IF EXISTS lockstep CASCADE; DROP TABLE IF EXISTS effects; DROP SEQUENCE IF EXISTS tries',
  ),
);

/** Until the end of the test, which waits for all of its calls, the first call of the action is this one's affair, which may let it through. */
function atFirst(service: Service, action: string, act: (letThrough: () => unknown) => void): void {
  const real = service[action]!;
  let isToCome = true;
  const replaced = (input: unknown) => {
    if (!isToCome) return real(input);
    isToCome = false;
    act(() => real(input));
    throw new AwsError('Throttling', 'no reply');
  };
  Object.assign(service, { [action]: replaced });
  onTestFinished(() => void Object.assign(service, { [action]: real }));
}

const signalsAtFirst = (act: (letThrough: () => unknown) => void) =>
  atFirst(coordinator.cloud.eventBus.service, 'PutEvents', act);

const entered = ({ events }: LocalExecution, name: StateName): number =>
  events.filter(({ kind, state }) => kind === 'entered' && state === name).length;
const messagesOf = (run: string) =>
  coordinator.cloud.deployers.messages.filter(({ attributes }) => attributes.run === run);
const told = (run: string, times: number) =>
  vi.waitUntil(() => messagesOf(run).length >= times, { timeout: 25_000 });
const effects = async () =>
  (await coordinator.query<{ n: number }>('SELECT n FROM effects ORDER BY n')).map(({ n }) => n);

describe('the signal', () => {
  test('is refused: it is sent again, and the run ends once', async () => {
    signalsAtFirst(() => undefined);
    const run = (await coordinator.deploy(FILES)).start({});
    expect(await run.outcome).toMatchObject({ status: 'SUCCEEDED', output: { outcome: 'applied' } });
    expect(coordinator.signalsOf(run.name)).toMatchObject([{ signal: 'ROLL_OUT', run: run.name }]);
    expect(entered(run, StateName.Succeeded)).toBe(1);
    await told(run.name, 1);
  });

  test('is taken and its reply lost: it comes twice, the same one, and the run ends once', async () => {
    signalsAtFirst((letThrough) => letThrough());
    const run = (await coordinator.deploy(FILES)).start({});
    expect(await run.outcome).toMatchObject({ status: 'SUCCEEDED', output: { outcome: 'applied' } });
    const [first, second, ...more] = coordinator.signalsOf(run.name);
    expect(first).toMatchObject({ signal: 'ROLL_OUT', run: run.name });
    expect(second).toEqual(first);
    expect(more).toEqual([]);
    expect(entered(run, StateName.Succeeded)).toBe(1);
    await told(run.name, 2);
    expect(await effects()).toEqual([1, 2]);
  });

  test('of a run that is stopped before it comes from the clean-up, and the next run finds nothing to do', async () => {
    const { start } = await coordinator.deploy(FILES);
    signalsAtFirst(() => run.abort());
    const run = start({});
    expect(await run.outcome).toEqual({ status: 'ABORTED' });
    expect(coordinator.signalsOf(run.name)).toMatchObject([
      { signal: 'ROLL_OUT', applied: ['0001_effects', '0002_second'] },
    ]);
    const next = start({});
    expect(await next.outcome).toMatchObject({ output: { outcome: 'nothing-pending' } });
    expect(coordinator.signalsOf(next.name)).toMatchObject([{ signal: 'ROLL_OUT' }]);
    await told(run.name, 1);
    await told(next.name, 1);
    expect(await effects()).toEqual([1, 2]);
  });

  test("reaches its receiver, whose reply is lost: it is told again, by the same run's id", async () => {
    atFirst(coordinator.cloud.deployers.sns, 'Publish', (letThrough) => letThrough());
    const run = (await coordinator.deploy(FILES)).start({});
    expect(await run.outcome).toMatchObject({ status: 'SUCCEEDED' });
    await told(run.name, 2);
    const [first, second] = messagesOf(run.name);
    expect(second).toEqual(first);
    expect(coordinator.signalsOf(run.name)).toHaveLength(1);
  });
});

describe('the functions are deployed with other migrations', () => {
  test('before Migrate is tried again: a new plan is made, and each effect is there once', async () => {
    const slow = "SELECT pg_sleep(CASE nextval('tries') WHEN 1 THEN 60 ELSE 0 END);";
    const bundle = await coordinator.bundle({ ...FILES, '0002_second.sql': `${insert(2)} ${slow}` });
    const { start, functions } = coordinator.cloud.deploy(bundle);
    const run = start({});
    await vi.waitUntil(
      async () =>
        (
          await coordinator.query(
            `SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'PgSleep'`,
          )
        ).length > 0,
      { timeout: 25_000 },
    );
    await copyFile(await coordinator.bundle({ ...FILES, '0003_third.sql': insert(3) }), bundle);
    for (const process of functions.serving('migrate')) process.kill('SIGKILL');
    expect(await run.outcome).toMatchObject({
      status: 'SUCCEEDED',
      output: { outcome: 'applied', applied: ['0002_second', '0003_third'] },
    });
    expect(entered(run, StateName.ReleaseLeaseForReplan)).toBe(1);
    expect(coordinator.signalsOf(run.name)).toMatchObject([{ signal: 'ROLL_OUT' }]);
    expect(await effects()).toEqual([1, 2, 3]);
    expect((await coordinator.leases.read(coordinator.target))?.state).toBe('FREE');
  });
});
