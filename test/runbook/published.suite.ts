/** Errors of bundles that are published for runs, each from its text to a run that succeeds with the bundle. */
import { Key } from 'aws-cdk-lib/aws-kms';
import { Bucket } from 'aws-cdk-lib/aws-s3';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import type { BundleAddress } from '../../lib/core/published/index.ts';
import { LocalKeys } from '../../lib/local/aws/keys.ts';
import type { Deployment } from '../../lib/local/index.ts';
import { folderWith } from '../cli/command-line.ts';
import { type Files, type LocalCoordinator, startCoordinator } from '../e2e/local-workflow.ts';
import { closedPort } from '../support/closed-port.ts';
import { failsWith, LONG_MS, succeeds } from './account.ts';
import { call, type Ended, expectError, says } from './ward.ts';

const BUCKET = 'releases';
const TO = `s3://${BUCKET}/orders/`;
const RELEASE = { '0001_orders.sql': 'CREATE TABLE public.orders (id int);' };
const OTHER = { '0001_orders.sql': 'CREATE TABLE public.orders (id bigint);' };

const keys = new LocalKeys();
const KEY = keys.create();
const SIGNED = ` --signing-key ${KEY}`;
let coordinator: LocalCoordinator;
let deployed: Deployment;
beforeAll(async () => {
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'local').stubEnv('AWS_SECRET_ACCESS_KEY', 'local');
  coordinator = await startCoordinator({
    keys,
    bundles: (stack) => ({
      bucket: Bucket.fromBucketName(stack, 'Releases', BUCKET),
      prefix: 'orders/',
      signingKey: Key.fromKeyArn(stack, 'SigningKey', KEY),
    }),
  });
  deployed = await coordinator.deploy({ '0001_deployed.sql': 'SELECT 1;' });
}, LONG_MS);
afterAll(() => coordinator.stop());
beforeEach(() =>
  coordinator.query('DROP SCHEMA IF EXISTS lockstep CASCADE; DROP TABLE IF EXISTS public.orders'),
);
afterEach(() => {
  objects().denies = () => false;
});

const objects = () => coordinator.cloud.objects;

/** `lockstep bundle --to`, with what a build has in its environment. */
async function publish(files: Files, options = SIGNED, env: Readonly<Record<string, string>> = {}) {
  const line = `bundle --migrations ${await folderWith(files)} --to ${TO}${options}`;
  return call(line.split(' '), { env: { ...coordinator.cloud.environment, ...env } });
}
/** What it prints. */
async function published(files: Files, options = SIGNED): Promise<{ readonly bundle: BundleAddress }> {
  return inputIn(await publish(files, options));
}
function inputIn(ended: Ended): { readonly bundle: BundleAddress } {
  expect(ended).toMatchObject({ exitCode: 0 });
  return JSON.parse(ended.stdout.split('\n').at(-1) ?? '');
}
const orders = () => coordinator.query("SELECT FROM pg_class WHERE oid = to_regclass('public.orders')");
async function isApplied(input: object): Promise<void> {
  await succeeds(deployed.start(input));
  expect(await orders()).toHaveLength(1);
}

test('LS214, by publishing the bundle again', async () => {
  const input = await published(RELEASE);
  objects().delete(BUCKET, input.bundle.key);
  await failsWith('LS214', deployed.start(input));
  says('LS214', 'publish the bundle again (`lockstep bundle --to …`)', 'the address that this prints');
  await isApplied(await published(RELEASE));
});

test('LS215, by letting the function read it', async () => {
  const input = await published(RELEASE);
  objects().denies = ({ method }) => method === 'GET';
  await failsWith('LS215', deployed.start(input));
  says('LS215', 'is it there?', 'what keeps the function from it');
  expect(objects().versionsOf(BUCKET, input.bundle.key)).toContain(input.bundle.versionId);
  objects().denies = () => false;
  await isApplied(input);
});

test('LS216, with the address as it was printed', async () => {
  const [input, other] = [await published(RELEASE), await published(OTHER)];
  const { sha256 } = other.bundle;
  await failsWith('LS216', deployed.start({ bundle: { ...input.bundle, sha256 } }));
  says('LS216', 'start the run with the address as `lockstep bundle --to` printed it');
  await isApplied(input);
});

test('LS217, by publishing it signed', async () => {
  const release = { ...RELEASE, '0002_unsigned.sql': 'SELECT 1;' };
  await failsWith('LS217', deployed.start(await published(release, '')));
  says('LS217', 'publish it with `--signing-key`');
  await isApplied(await published(release));
});

test('LS218, by publishing it with the right key', async () => {
  await failsWith('LS218', deployed.start(await published(RELEASE, ` --signing-key ${keys.create()}`)));
  says('LS218', 'publish it again with the right key');
  await isApplied(await published(RELEASE));
});

test('LS219, by computing the data in SQL', async () => {
  const rows = `/* ${'x'.repeat(7 * 1024 * 1024)} */ SELECT 1;`;
  const large = [2, 3, 4, 5, 6].map((revision) => [`000${revision}_load.sql`, rows]);
  expectError('LS219', await publish({ ...RELEASE, ...Object.fromEntries(large) }));
  says('LS219', 'compute it in SQL');
  const fill = 'INSERT INTO public.orders SELECT generate_series(1, 9);';
  await isApplied(await published({ ...RELEASE, '0002_load.sql': fill }));
});

test('LS730, by publishing it where the error says', async () => {
  const input = await published(RELEASE);
  const cause = await failsWith(
    'LS730',
    deployed.start({ bundle: { ...input.bundle, bucket: 'elsewhere' } }),
  );
  says('LS730', 'publish the bundle where the error says');
  expect(cause).toContain(TO);
  await isApplied(input);
});

test('LS731, by calling it again', async () => {
  const nobody = { AWS_ENDPOINT_URL: `http://127.0.0.1:${await closedPort()}` };
  expectError('LS731', await publish(RELEASE, SIGNED, nobody));
  says('LS731', '`lockstep bundle --to` may simply be called again');
  await isApplied(await published(RELEASE));
});

test('LS732, by enabling the key', async () => {
  const input = await published(RELEASE);
  keys.disable(KEY);
  await failsWith('LS732', deployed.start(input));
  says('LS732', 'enable the key');
  keys.enable(KEY);
  await isApplied(input);
});

test('LS733, with the rights that it names', async () => {
  objects().denies = ({ method }) => method === 'PUT';
  expectError('LS733', await publish(RELEASE));
  says('LS733', 'the build needs `s3:PutObject`');
  objects().denies = () => false;
  await isApplied(await published(RELEASE));
});

test('LS734, by switching versioning on and publishing again', async () => {
  objects().delete(BUCKET, (await published(RELEASE)).bundle.key);
  objects().unversioned.add(BUCKET);
  expectError('LS734', await publish(RELEASE));
  says('LS734', "switch on the bucket's versioning, and publish again");
  objects().unversioned.delete(BUCKET);
  await isApplied(await published(RELEASE));
});
