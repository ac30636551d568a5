/**
 * Bundles through the pipeline: the command publishes and signs one, and what it prints is the input of a run of the
 * synthesized machine, with the functions as they are. S3 and KMS are stand-ins, called by the program's own requests.
 */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Duration } from 'aws-cdk-lib';
import { Key } from 'aws-cdk-lib/aws-kms';
import { Bucket } from 'aws-cdk-lib/aws-s3';
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import type { BundleAddress } from '../../lib/core/published/index.ts';
import { StateName } from '../../lib/core/workflow/index.ts';
import { LocalKeys } from '../../lib/local/aws/keys.ts';
import type { Deployment, LocalExecution, StackOptions } from '../../lib/local/index.ts';
import { folderWith, lockstep } from '../cli/command-line.ts';
import { codeBlocks } from '../docs/markdown.ts';
import { type Files, type LocalCoordinator, startCoordinator } from './local-workflow.ts';

const BUCKET = 'releases';
const LONG_MS = 90_000;
const DEPLOYED: Files = { '0001_deployed.sql': 'CREATE TABLE public.deployed (id int);' };
const LONG = '-- lockstep: expected-duration=40min\n';
const RELEASE: Files = {
  '0001_orders.sql': 'CREATE TABLE public.orders (id int, nom text);',
  '0001_orders.down.sql': 'DROP TABLE public.orders;',
  '0002_add_name.sql': 'ALTER TABLE public.orders ADD COLUMN name text;',
  '0002_add_name.down.sql': 'ALTER TABLE public.orders DROP COLUMN name;',
};
const NEXT: Files = { ...RELEASE, '0004_bad.sql': 'SELECT * FROM public.no_such_table;' };
const APPLIED = ['0001_orders', '0002_add_name'];

const keys = new LocalKeys();
const KEY = keys.create();
let coordinator: LocalCoordinator;
let deployed: Deployment;

const bundles: StackOptions['bundles'] = (stack) => ({
  bucket: Bucket.fromBucketName(stack, 'Releases', BUCKET),
  prefix: 'orders/',
  signingKey: Key.fromKeyArn(stack, 'SigningKey', KEY),
});

/** For the tests of a group. */
function deployWith(options: StackOptions): void {
  beforeAll(async () => {
    coordinator = await startCoordinator({ keys, bundles, ...options });
    deployed = await coordinator.deploy(DEPLOYED);
  }, LONG_MS);
  afterAll(() => coordinator.stop());
}

const columns = async () =>
  (
    await coordinator.query<{ name: string }>(
      "SELECT attname AS name FROM pg_attribute WHERE attrelid = to_regclass('public.orders') AND attnum > 0 AND NOT attisdropped ORDER BY attnum",
    )
  ).map(({ name }) => name);
const statesOf = ({ events }: LocalExecution): string[] =>
  events.filter(({ kind }) => kind === 'entered').map(({ state }) => state);

interface Input {
  readonly bundle: BundleAddress;
}

/** `lockstep bundle --to`, as a build runs it; gives what it printed. */
async function publish(files: Files, to: string, signingKey: string | undefined = KEY): Promise<Input> {
  const folder = await folderWith(files);
  const signing = signingKey === '' ? [] : ['--signing-key', signingKey];
  const args = ['bundle', '--migrations', folder, '--to', to, ...signing, '--json'];
  const { stdout, stderr, exitCode } = await lockstep(args, coordinator.cloud.environment);
  expect({ stderr, exitCode }).toEqual({ stderr: '', exitCode: 0 });
  return JSON.parse(stdout);
}

/** As many as there are once nothing more is begun. */
const begunNow = () => coordinator.cloud.begun.length;

describe('with a container for long work, and roll-outs that are followed', () => {
  deployWith({
    longRunning: true,
    afterRollOut: () => ({
      follow: { service: { serviceName: 'orders', cluster: { clusterName: 'apps' } } },
      bakeTime: Duration.seconds(1),
    }),
  });
  const FILES: Files = {
    ...RELEASE,
    '0002_add_name.sql': `${LONG}${RELEASE['0002_add_name.sql']}`,
    '0003_drop_nom.contract.sql': 'ALTER TABLE public.orders DROP COLUMN nom;',
  };

  test(
    'what the command prints is the input of a run that applies just that: in a function, in the task, and after the roll-out',
    async () => {
      const input = await publish(FILES, `s3://${BUCKET}/orders/release.json`);
      // Somebody publishes another one under the same key meanwhile: nobody reads it.
      await publish(NEXT, `s3://${BUCKET}/orders/release.json`);
      const known = begunNow();
      const run = deployed.start(input);
      expect(await run.outcome).toMatchObject({
        status: 'SUCCEEDED',
        output: { outcome: 'applied', applied: APPLIED },
      });
      expect(statesOf(run)).toContain(StateName.MigrateInTask);
      expect(await columns()).toEqual(['id', 'nom', 'name']);

      const follows = coordinator.cloud.begun[known] as LocalExecution;
      const looked = () =>
        follows.events.some(({ kind, state }) => kind === 'exited' && state === 'Await roll-out');
      await vi.waitUntil(looked, { timeout: LONG_MS, interval: 50 });
      const { deployments } = coordinator.cloud.deployers;
      deployments.set(deployments.deployService('apps', 'orders'), 'SUCCESSFUL');
      expect(await follows.outcome).toMatchObject({ status: 'SUCCEEDED' });
      const contract = coordinator.cloud.begun[known + 1] as LocalExecution;
      expect(await contract.outcome).toMatchObject({ output: { applied: ['0003_drop_nom'] } });
      expect(await columns()).toEqual(['id', 'name']);
    },
    LONG_MS,
  );
});

describe('with what is always there', () => {
  deployWith({ askingDeployers: (deployers) => void deployers.startOnBundle() });
  beforeEach(async () => {
    await coordinator.query(
      'DROP SCHEMA IF EXISTS lockstep CASCADE; DROP TABLE IF EXISTS public.orders, public.deployed',
    );
  });

  test(
    'what the command prints can be given again: a run that comes later finds everything applied',
    async () => {
      const input = await publish(RELEASE, `s3://${BUCKET}/orders/again.json`);
      expect(await deployed.start(input).outcome).toMatchObject({ output: { outcome: 'applied' } });
      expect(await deployed.start(input).outcome).toMatchObject({ output: { outcome: 'nothing-pending' } });
    },
    LONG_MS,
  );

  test(
    'a run without a bundle applies the one that is deployed',
    async () => {
      expect(await deployed.start({}).outcome).toMatchObject({
        status: 'SUCCEEDED',
        output: { applied: ['0001_deployed'] },
      });
    },
    LONG_MS,
  );

  test(
    'a failed run takes back what it had applied of its bundle',
    async () => {
      const input = await publish(NEXT, `s3://${BUCKET}/orders/next.json`);
      const run = deployed.start(input);
      expect(await run.outcome).toMatchObject({ status: 'FAILED', error: 'MigrationFailedError' });
      expect(coordinator.signalsOf(run.name)).toEqual([
        expect.objectContaining({ signal: 'ROLL_BACK', reverted: APPLIED.toReversed() }),
      ]);
      expect(await columns()).toEqual([]);
    },
    LONG_MS,
  );

  test(
    'a state that is tried again reads the version that was named',
    async () => {
      const slow = {
        ...RELEASE,
        '0002_add_name.sql': 'ALTER TABLE public.orders ADD COLUMN name text; SELECT pg_sleep(2);',
      };
      const input = await publish(slow, `s3://${BUCKET}/orders/slow.json`);
      const run = deployed.start(input);
      const sleeping = () =>
        coordinator.query(
          "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'PgSleep'",
        );
      await vi.waitUntil(async () => (await sleeping()).length > 0, { timeout: LONG_MS, interval: 50 });
      await publish(NEXT, `s3://${BUCKET}/orders/slow.json`);
      for (const child of deployed.functions.serving('migrate')) child.kill('SIGKILL');
      expect(await run.outcome).toMatchObject({
        status: 'SUCCEEDED',
        output: { applied: APPLIED },
      });
      expect(
        run.events.filter(({ kind, state }) => kind === 'failed' && state === StateName.Migrate),
      ).not.toEqual([]);
    },
    LONG_MS,
  );

  describe('a bundle that is not what was asked for fails the run, and changes nothing', () => {
    const refused = async (input: object) => {
      const run = deployed.start(input);
      const outcome = await run.outcome;
      expect(outcome).toMatchObject({ status: 'FAILED' });
      expect(statesOf(run)).toEqual([
        StateName.Plan,
        StateName.RollBack,
        StateName.ReleaseLeaseAfterFailure,
        StateName.SignalRollBack,
        StateName.Failed,
      ]);
      const [signal] = coordinator.signalsOf(run.name);
      expect(signal).toMatchObject({ signal: 'ROLL_BACK', applied: [], state: expect.any(String) });
      expect(await coordinator.query("SELECT 1 FROM pg_namespace WHERE nspname = 'lockstep'")).toEqual([]);
      return signal?.error?.code;
    };

    test(
      'LS216: other bytes are in the version',
      async () => {
        const { bundle } = await publish(RELEASE, `s3://${BUCKET}/orders/tampered.json`);
        const other = Buffer.from(await readFile(await coordinator.bundle(NEXT)));
        coordinator.cloud.objects.corrupt(BUCKET, bundle.key, other);
        expect(await refused({ bundle })).toBe('LS216');
      },
      LONG_MS,
    );

    test(
      'LS217, LS218: nobody signed it, or another key',
      async () => {
        expect(await refused(await publish(RELEASE, `s3://${BUCKET}/orders/unsigned.json`, ''))).toBe(
          'LS217',
        );
        const forged = await publish(RELEASE, `s3://${BUCKET}/orders/forged.json`, keys.create());
        expect(await refused(forged)).toBe('LS218');
      },
      LONG_MS,
    );

    test(
      'LS214: it is not there',
      async () => {
        const { bundle } = await publish(RELEASE, `s3://${BUCKET}/orders/gone.json`);
        expect(await refused({ bundle: { ...bundle, versionId: 'gone' } })).toBe('LS214');
      },
      LONG_MS,
    );
  });

  describe('pushed', () => {
    test(
      'into the folder it starts one run, which applies just this version',
      async () => {
        const known = begunNow();
        const files = { ...RELEASE, '0005_pushed.sql': 'ALTER TABLE public.orders ADD COLUMN at date;' };
        const { bundle } = await publish(files, `s3://${BUCKET}/orders/`);
        const isPushed = ({ name }: LocalExecution) => name.startsWith('bundle-');
        const pushed = () => coordinator.cloud.begun.slice(known).filter(isPushed);
        await vi.waitUntil(() => pushed().length > 0, { timeout: LONG_MS, interval: 50 });
        // The event comes again, as events may.
        await coordinator.cloud.eventBus.deliver({
          source: 'aws.s3',
          detailType: 'Object Created',
          detail: {
            bucket: { name: BUCKET },
            object: { key: bundle.key, 'version-id': bundle.versionId },
          },
        });
        const [run] = pushed();
        expect(await run?.outcome).toMatchObject({
          status: 'SUCCEEDED',
          output: { applied: [...APPLIED, '0005_pushed'] },
        });
        expect(pushed()).toHaveLength(1);
        // Published again it is there already, and S3 has nothing to tell.
        const again = await publish(files, `s3://${BUCKET}/orders/`);
        expect(again.bundle.versionId).toBe(bundle.versionId);
        expect(pushed()).toHaveLength(1);
      },
      LONG_MS,
    );

    test(
      'elsewhere, or under another name, it starts none',
      async () => {
        const { cloud } = coordinator;
        const known = begunNow();
        const key = `${'ab'.repeat(32)}.lockstep.json`;
        const pushed = (bucket: string, object: object) =>
          cloud.eventBus.deliver({
            source: 'aws.s3',
            detailType: 'Object Created',
            detail: { bucket: { name: bucket }, object },
          });
        await pushed(BUCKET, { key: 'orders/release.json', 'version-id': '1' });
        await pushed(BUCKET, { key: `invoices/${key}`, 'version-id': '1' });
        await pushed('elsewhere', { key: `orders/${key}`, 'version-id': '1' });
        // Of this one there is no version that could be named.
        await pushed(BUCKET, { key: `orders/${key}` });
        expect(cloud.begun.slice(known)).toEqual([]);
      },
      LONG_MS,
    );
  });

  test(
    'the example of the page is what the command does',
    async () => {
      const [example = ''] = codeBlocks('docs/bundles.md', 'sh');
      const [line = ''] = example.split('\n').filter((each) => each.includes('lockstep bundle'));
      const [command = '', file = ''] = line.replace(/^npx lockstep /, '').split(' > ');
      const folder = await folderWith({});
      await mkdir(join(folder, 'migrations'));
      for (const [name, sql] of Object.entries(RELEASE))
        await writeFile(join(folder, 'migrations', name), sql);
      expect(file).toBe('run.json');
      const args = command.replace('alias/releases', KEY).split(' ');
      const { stdout, exitCode } = await lockstep(args, coordinator.cloud.environment, folder);
      expect(exitCode).toBe(0);
      const shown = JSON.parse(codeBlocks('docs/bundles.md', 'json')[0] ?? '{}');
      const printed = JSON.parse(stdout);
      expect(Object.keys(printed)).toEqual(Object.keys(shown));
      expect(Object.keys(printed.bundle)).toEqual(Object.keys(shown.bundle));
      expect(await deployed.start(printed).outcome).toMatchObject({ status: 'SUCCEEDED' });
    },
    LONG_MS,
  );
});
