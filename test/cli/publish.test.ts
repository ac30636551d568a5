/** `lockstep bundle --to`, against the stand-ins for S3 and KMS. */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { readBundle } from '../../lib/core/plan/bundle.ts';
import { bundleAddressSchema } from '../../lib/core/published/index.ts';
import { startInputSchema } from '../../lib/core/workflow/index.ts';
import { LocalKeys } from '../../lib/local/aws/keys.ts';
import { LocalObjects } from '../../lib/local/aws/objects.ts';
import { startLocalAws } from '../support/local-aws.ts';
import { folderWith, lockstep } from './command-line.ts';

const FILES = {
  '0001_a.sql': 'CREATE TABLE a (id int);',
  'R_v.sql': 'CREATE OR REPLACE VIEW v AS SELECT 1;',
};

const keys = new LocalKeys();
let s3: LocalObjects;
let aws: Awaited<ReturnType<typeof startLocalAws>>;
let folder: string;
let variables: Record<string, string>;
beforeAll(async () => {
  s3 = new LocalObjects();
  aws = await startLocalAws({ s3, kms: keys.service });
});
afterAll(() => aws.stop());
beforeEach(async () => {
  s3.denies = () => false;
  folder = await folderWith(FILES);
  variables = {
    AWS_ENDPOINT_URL: aws.endpoint,
    AWS_REGION: 'us-east-1',
    AWS_ACCESS_KEY_ID: 'local',
    AWS_SECRET_ACCESS_KEY: 'local',
  };
});

const publish = (...args: string[]) =>
  lockstep(['bundle', '--migrations', folder, ...args], variables, folder);

describe('lockstep bundle --to', () => {
  it('prints what a run takes as its input, and nothing else; writes no file', async () => {
    const { stdout, exitCode } = await publish('--to', 's3://releases/orders/', '--json');
    expect(exitCode).toBe(0);
    const printed = JSON.parse(stdout);
    expect(printed).toEqual({ bundle: expect.any(Object), digest: expect.stringMatching(/^[0-9a-f]{64}$/) });
    expect(startInputSchema.parse(printed)).toEqual({ bundle: bundleAddressSchema.parse(printed.bundle) });
    const { bucket, key, versionId, sha256 } = printed.bundle;
    expect(key).toBe(`orders/${sha256}.lockstep.json`);
    expect(s3.versionsOf(bucket, key)).toEqual([versionId]);
    expect(existsSync(join(folder, 'bundle.json'))).toBe(false);
  });

  it('says the same to people', async () => {
    const { stdout } = await publish('--to', 's3://releases/people.json');
    const [said = '', , input = ''] = stdout.split('\n');
    expect(said).toMatch(
      /^Published 1 migration and 1 repeatable object as s3:\/\/releases\/people\.json, version \w+: SHA-256 \w{64}, not signed, digest \w{64}\.$/,
    );
    expect(startInputSchema.parse(JSON.parse(input)).bundle).toMatchObject({ key: 'people.json' });
  });

  it('with --out writes the very bytes that were published', async () => {
    const { stdout } = await publish('--to', 's3://releases/both/', '--out', 'own.json', '--json');
    const text = readFileSync(join(folder, 'own.json'));
    expect(createHash('sha256').update(text).digest('hex')).toBe(JSON.parse(stdout).bundle.sha256);
    expect(readBundle(String(text)).migrations).toHaveLength(1);
  });

  it('publishes a bundle file that is there already', async () => {
    await publish('--out', 'own.json');
    const args = ['bundle', '--bundle', 'own.json', '--to', 's3://releases/file/', '--json'];
    const { stdout } = await lockstep(args, variables, folder);
    const { stdout: again } = await publish('--to', 's3://releases/file/', '--json');
    expect(JSON.parse(again)).toEqual(JSON.parse(stdout));
  });

  it('signs, with the algorithm that the key has', async () => {
    const rsa = keys.create('RSA_2048');
    const to = ['--to', 's3://releases/signed/', '--json', '--signing-key'];
    const elliptic = JSON.parse((await publish(...to, keys.create())).stdout);
    expect(elliptic.bundle.signature.algorithm).toBe('ECDSA_SHA_256');
    const algorithm = ['--signing-algorithm', 'RSASSA_PSS_SHA_256'];
    expect(JSON.parse((await publish(...to, rsa, ...algorithm)).stdout).bundle.signature).toEqual({
      algorithm: 'RSASSA_PSS_SHA_256',
      value: expect.any(String),
    });
    expect(await publish(...to, rsa)).toMatchObject({
      exitCode: 1,
      stdout: expect.stringContaining('"code": "LS733"'),
    });
  });
});

describe('it is refused', () => {
  it.each([
    ['LS102', 'a destination that is none', ['--to', 'releases/orders']],
    ['LS102', 'a signing key without a destination', ['--signing-key', 'alias/releases']],
    [
      'LS102',
      'an algorithm without a key',
      ['--to', 's3://releases/', '--signing-algorithm', 'ECDSA_SHA_256'],
    ],
  ])('with %s: %s', async (code, _, args) => {
    const { exitCode, stderr } = await publish(...args);
    expect(exitCode).toBe(2);
    expect(stderr).toContain(code);
    expect(existsSync(join(folder, 'bundle.json'))).toBe(false);
  });

  it('with LS102: no Region is set', async () => {
    const { AWS_REGION: _, ...others } = variables;
    variables = others;
    expect(await publish('--to', 's3://releases/')).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining('No AWS Region is set.'),
    });
  });

  it('with LS733 when the bucket may not be written to, LS734 when it keeps no versions', async () => {
    s3.unversioned.add('forgetful');
    expect((await publish('--to', 's3://forgetful/')).stderr).toContain('LS734');
    s3.denies = () => true;
    const { exitCode, stderr } = await publish('--to', 's3://releases/');
    expect(exitCode).toBe(1);
    expect(stderr).toMatch(/LS733.*403 AccessDenied/s);
  });

  it('when the migrations do not compile, before anything is published', async () => {
    folder = await folderWith({ '0001_a.sql': 'CREATE TABEL a (id int);' });
    expect((await publish('--to', 's3://releases/broken.json')).stderr).toContain('LS204');
    expect(s3.versionsOf('releases', 'broken.json')).toEqual([]);
  });
});
