/** Functions of a run that names its bundle in S3. */
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';

vi.hoisted(() =>
  Object.assign(process.env, { POWERTOOLS_LOG_LEVEL: 'SILENT', POWERTOOLS_METRICS_DISABLED: 'true' }),
);

import { KmsSignatures, S3BundleObjects } from '../../lib/adapters/aws-requests/index.ts';
import { type BundleAddress, publishBundle } from '../../lib/core/published/index.ts';
import type { GivenRehearsal } from '../../lib/core/rehearsal/gate.ts';
import { type Verdict, verdictSchema } from '../../lib/core/rollout/index.ts';
import { LocalKeys } from '../../lib/local/aws/keys.ts';
import { LocalObjects } from '../../lib/local/aws/objects.ts';
import { compiledText } from '../support/compiled-text.ts';
import { settingsFor } from '../support/local-aws.ts';
import { type DatabaseRuntime, startDatabaseRuntime } from './database-runtime.ts';
import { migrateAll, steps } from './steps.ts';

const DEPLOYED = { '0001_deployed.sql': 'CREATE TABLE public.deployed (id int);' };
const PUBLISHED = {
  '0001_published.sql': 'CREATE TABLE public.published (id int);',
  '0001_published.down.sql': 'DROP TABLE public.published;',
  '0002_fails.sql': 'SELECT * FROM no_such_table;',
};
const BUCKET = 'releases';

const keys = new LocalKeys();
const KEY = keys.create();
const OTHER_KEY = keys.create();
let s3: LocalObjects;
let runtime: DatabaseRuntime;
/** Keys of objects that were asked for. */
let reads: string[];

beforeAll(async () => {
  s3 = new LocalObjects();
  s3.denies = ({ method, key }) => {
    if (method === 'GET') reads.push(key);
    return key.startsWith('orders/denied');
  };
  runtime = await startDatabaseRuntime({ kms: keys.service, s3 });
});
beforeEach(async () => {
  reads = [];
  await runtime.reset();
  await runtime.deploy(DEPLOYED);
  accept({});
});
afterAll(() => runtime.close());

const accept = (more: { readonly signingKey?: string }) =>
  runtime.set('bundles', JSON.stringify({ bucket: BUCKET, prefix: 'orders/', ...more }));

async function publish(
  files: Readonly<Record<string, string>>,
  { key = 'orders/', signedBy }: { readonly key?: string; readonly signedBy?: string } = {},
): Promise<BundleAddress> {
  const aws = settingsFor(process.env.AWS_ENDPOINT_URL ?? '');
  const signatures = signedBy === undefined ? undefined : new KmsSignatures(aws, signedBy);
  const objects = new S3BundleObjects(aws);
  return publishBundle(await compiledText(files), { bucket: BUCKET, key }, { objects, signatures });
}

const tables = async () =>
  (
    await runtime.query<{ relname: string }>(
      "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace ORDER BY 1",
    )
  ).map((row) => row.relname);
const signals = (): Verdict[] => runtime.bus.events.map((event) => verdictSchema.parse(event.detail));

describe('a run that names a bundle', () => {
  const GOOD = { '0001_published.sql': PUBLISHED['0001_published.sql'] };

  test('plans and applies that one, and reads it once in each function', async () => {
    const bundle = await publish(GOOD);
    const done = await migrateAll('run-1', { bundle });
    expect(done).toMatchObject({
      plan: { bundle },
      verdict: { outcome: 'applied', applied: ['0001_published'] },
    });
    expect(await tables()).toEqual(['published']);
    // The functions of this test share a process, as calls of one function do.
    expect(reads).toEqual([bundle.key]);
  });

  test('leaves the deployed one to runs that name none', async () => {
    const bundle = await publish(GOOD);
    expect((await steps.plan('run-1', { bundle })).plan.pending).toEqual(['0001_published']);
    const { plan } = await steps.plan('run-2');
    expect(plan).toMatchObject({ pending: ['0001_deployed'], bundle: null });
  });

  test('counts as rehearsed when just this one was', async () => {
    const bundle = await publish(GOOD, { key: 'orders/rehearsed/' });
    const { plan } = await steps.plan('run-1', { bundle });
    const rehearsal = (bundleDigest: string): GivenRehearsal => ({
      bundleDigest,
      ledgerHead: 'none',
      verdict: 'within-budget',
      excesses: [],
      error: null,
      steps: plan.pending.map((migration) => ({ migration })),
    });
    runtime.set('rehearsal', 'required');
    const deployed = rehearsal('of the deployed one');
    await expect(steps.plan('run-2', { bundle, rehearsal: deployed })).rejects.toMatchObject({
      code: 'LS745',
    });
    const input = { bundle, rehearsal: rehearsal(plan.bundleDigest) };
    expect((await steps.plan('run-2', input)).outcome).toBe('pending');
    runtime.set('rehearsal', '');
  });

  test('applies the version that was named, whatever was written under the key since', async () => {
    const key = 'orders/newest.json';
    const bundle = await publish(GOOD, { key });
    await publish(DEPLOYED, { key });
    expect((await steps.plan('run-1', { bundle })).plan.pending).toEqual(['0001_published']);
  });
});

describe('is refused before anything is done', () => {
  const refused = async (bundle: BundleAddress) => {
    const error = await steps.plan('run-1', { bundle }).catch((thrown: unknown) => thrown);
    const verdict = await steps.rollBack('run-1', error, { bundle });
    expect(verdict).toMatchObject({ outcome: 'failed', signal: 'ROLL_BACK', applied: [], reverted: [] });
    expect(await tables()).toEqual([]);
    expect(await runtime.query("SELECT 1 FROM pg_namespace WHERE nspname = 'lockstep'")).toEqual([]);
    return verdict.error?.code;
  };

  test.each([
    [
      'LS214',
      'an object that is gone',
      async () => {
        const bundle = await publish(PUBLISHED, { key: 'orders/gone.json' });
        s3.delete(BUCKET, 'orders/gone.json');
        return bundle;
      },
    ],
    [
      'LS215',
      'an object that may not be read',
      async () => ({
        ...(await publish(PUBLISHED)),
        key: 'orders/denied.json',
      }),
    ],
    [
      'LS216',
      'other bytes',
      async () => {
        const bundle = await publish(PUBLISHED, { key: 'orders/other.json' });
        s3.corrupt(BUCKET, 'orders/other.json', Buffer.from(await compiledText(DEPLOYED)));
        return bundle;
      },
    ],
    ['LS730', 'another prefix', () => publish(PUBLISHED, { key: 'invoices/' })],
  ] as const)('with %s: %s', async (code, _, bundleOf) => {
    expect(await refused(await bundleOf())).toBe(code);
  });

  test('with LS730 where no bundles are taken from S3', async () => {
    const bundle = await publish(PUBLISHED);
    runtime.set('bundles', '');
    expect(await refused(bundle)).toBe('LS730');
  });

  describe('where a signature is asked for', () => {
    beforeEach(() => accept({ signingKey: KEY }));

    test('one that has it is applied, also when the address does not carry it', async () => {
      const { signature, ...bundle } = await publish(PUBLISHED, { key: 'orders/signed/', signedBy: KEY });
      expect(signature?.algorithm).toBe('ECDSA_SHA_256');
      expect((await steps.plan('run-1', { bundle })).plan.pendingCount).toBe(2);
    });

    test.each([
      ['LS217', 'nobody signed it', undefined],
      ['LS218', 'somebody else did', OTHER_KEY],
    ])('with %s: %s', async (code, _, signedBy) => {
      const given = { key: `orders/${code}/`, ...(signedBy ? { signedBy } : {}) };
      expect(await refused(await publish(PUBLISHED, given))).toBe(code);
    });

    test('with LS218: the signature is that of another bundle', async () => {
      const { signature } = await publish(DEPLOYED, { key: 'orders/a/', signedBy: KEY });
      const bundle = await publish(PUBLISHED, { key: 'orders/b/' });
      expect(await refused({ ...bundle, ...(signature ? { signature } : {}) })).toBe('LS218');
    });

    test('with LS732: the key cannot be used', async () => {
      const lost = keys.create();
      const bundle = await publish(PUBLISHED, { key: 'orders/lost/', signedBy: lost });
      keys.disable(lost);
      accept({ signingKey: lost });
      expect(await refused(bundle)).toBe('LS732');
    });
  });
});

describe('after a failure', () => {
  test('what was applied is reverted, and the verdict names what the bundle has', async () => {
    const bundle = await publish(PUBLISHED, { key: 'orders/c/' });
    const error = await migrateAll('run-1', { bundle }).catch((thrown: unknown) => thrown);
    expect(await tables()).toEqual(['published']);
    const verdict = await steps.rollBack('run-1', error, { bundle });
    expect(verdict).toMatchObject({
      reverted: ['0001_published'],
      notApplied: ['0001_published', '0002_fails'],
      error: { code: 'LS601' },
    });
    expect(await tables()).toEqual([]);
  });

  test('it is reverted as well when the bundle is gone: the ledger has the down scripts', async () => {
    const bundle = await publish(PUBLISHED, { key: 'orders/d/' });
    const error = await migrateAll('run-1', { bundle }).catch((thrown: unknown) => thrown);
    s3.delete(BUCKET, bundle.key);
    // Another address, so that it is not the one that was read just now.
    const gone = { ...bundle, versionId: 'gone' };
    const verdict = await steps.rollBack('run-1', error, { bundle: gone });
    expect(verdict).toMatchObject({ reverted: ['0001_published'], bundleDigest: '' });
    expect(await tables()).toEqual([]);
  });

  test('of an input that is not understood the verdict is made all the same', async () => {
    const error = await steps.plan('run-1', { bundle: 'newest' } as never).catch((thrown: unknown) => thrown);
    const verdict = await steps.rollBack('run-1', error, { bundle: 'newest' });
    expect(verdict).toMatchObject({ outcome: 'failed', error: { code: 'LS102' } });
  });
});

describe('cleaning up', () => {
  test('after a run that was stopped names what its own bundle has', async () => {
    const bundle = await publish(PUBLISHED, { key: 'orders/e/' });
    await steps.plan('run-1', { bundle });
    await steps.acquireLease('run-1');
    runtime.setExecution('run-1', 'ABORTED', undefined, { bundle });
    expect(await steps.cleanUp('run-1', 'ABORTED')).toMatchObject({ released: true, signalled: true });
    expect(signals()[0]).toMatchObject({ notApplied: ['0001_published', '0002_fails'] });
  });

  test('does its work, and calls nobody, when the bundle cannot be read', async () => {
    const bundle = await publish(PUBLISHED, { key: 'orders/f/' });
    await steps.plan('run-1', { bundle });
    await steps.acquireLease('run-1');
    s3.delete(BUCKET, bundle.key);
    runtime.setExecution('run-1', 'ABORTED', undefined, { bundle: { ...bundle, versionId: 'gone' } });
    expect(await steps.cleanUp('run-1', 'ABORTED')).toMatchObject({ released: true, signalled: true });
    expect(signals()[0]).toMatchObject({ signal: 'ROLL_BACK', notApplied: [], bundleDigest: '' });
  });
});
