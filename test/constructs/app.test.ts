/** `npx cdk synth`, as the README has it: the app is synthesized with everything bundled, and checked on the way. */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { readBundle } from '../../lib/core/plan/bundle.ts';
import { FUNCTION_NAMES } from '../../lib/core/workflow/index.ts';
import { coordinatorStack, inIsolatedSubnets, MIGRATIONS } from './stacks.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const SYNTHESIS_MS = 120_000;
const run = promisify(execFile);

interface Resource {
  readonly Type: string;
  readonly Properties: { readonly Code?: { readonly S3Key: string }; readonly VpcConfig?: object };
}

let out: string;
let said: string;
let resources: Resource[];
beforeAll(async () => {
  out = await mkdtemp(join(tmpdir(), 'lockstep-synth-'));
  // As it is called by npx: with the project's own Node.
  const env = {
    ...process.env,
    PATH: `${join(ROOT, 'node_modules', '.bin')}:${process.env.PATH}`,
    CI: 'true',
  };
  const { stdout, stderr } = await run(
    process.execPath,
    [join(ROOT, 'node_modules', 'aws-cdk', 'bin', 'cdk'), 'synth', '--quiet', '--output', out],
    {
      cwd: ROOT,
      env,
    },
  );
  said = stdout + stderr;
  resources = Object.values(
    JSON.parse(await readFile(join(out, 'Lockstep.template.json'), 'utf8')).Resources,
  );
}, SYNTHESIS_MS);
afterAll(() => rm(out, { recursive: true }));

const assetOf = (key: string) => join(out, `asset.${key.replace('.zip', '')}`);

describe('cdk synth', () => {
  test('ends without a warning', () => {
    expect(said).not.toMatch(/warning|error/i);
  });

  test('gives every function code of its own, with certificates beside what connects to the database', async () => {
    const functions = resources.filter(({ Type }) => Type === 'AWS::Lambda::Function');
    const keys = functions.map(({ Properties }) => Properties.Code?.S3Key ?? '');
    expect(keys).toHaveLength(FUNCTION_NAMES.length);
    expect(new Set(keys).size).toBe(FUNCTION_NAMES.length);
    for (const [i, key] of keys.entries()) {
      const connects = functions[i]?.Properties.VpcConfig !== undefined;
      const files = await readdir(assetOf(key));
      expect(files).toContain('index.mjs');
      // Beside it, parts of the code that are imported only sometimes.
      expect(files.filter((file) => !file.endsWith('.mjs'))).toEqual(connects ? ['rds-ca.pem'] : []);
    }
  });

  test('compiles the migrations into a layer', async () => {
    const assets = (await readdir(out)).filter((name) =>
      existsSync(join(out, name, 'lockstep', 'bundle.json')),
    );
    expect(assets).toHaveLength(1);
    const bundle = readBundle(await readFile(join(out, assets[0]!, 'lockstep', 'bundle.json'), 'utf8'));
    const files = (await readdir(MIGRATIONS)).filter((file) => !file.includes('.down.'));
    expect(bundle.migrations).toHaveLength(files.length);
  });
});

test('migrations that do not compile end the synthesis, with file, line and column', async () => {
  const migrations = await mkdtemp(join(tmpdir(), 'lockstep-wrong-'));
  onTestFinished(() => rm(migrations, { recursive: true }));
  await writeFile(join(migrations, '0001_wrong.sql'), 'CREATE TABEL a ();');
  const bundlingIsOn = { 'aws:cdk:bundling-stacks': ['**'] };
  const synthesize = () =>
    coordinatorStack((stack) => ({ ...inIsolatedSubnets(stack), migrations }), bundlingIsOn);
  expect(synthesize).toThrow(
    /\[Test\/Coordinator\] The migrations in .* cannot be compiled\.[\s\S]*0001_wrong\.sql:1:8/,
  );
});
