/**
 * The image, without an engine to build it: what the Dockerfile says is done by hand with the packed package, and its
 * commands are run in what comes out.
 */
import { spawn } from 'node:child_process';
import { globSync } from 'node:fs';
import { cp, mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { isBuiltin } from 'node:module';
import type { AddressInfo } from 'node:net';
import { basename, join } from 'node:path';
import { text } from 'node:stream/consumers';
import { brotliDecompressSync } from 'node:zlib';
import { beforeAll, describe, expect, test } from 'vitest';
import { IMAGE_FILES } from '../../lib/constructs/package-files.ts';
import {
  EnvName,
  IMAGE_BUNDLE,
  IMAGE_DIRECTORY,
  type MigrateTaskInput,
  TASK_PROGRAM,
} from '../../lib/core/workflow/index.ts';
import { startDynalite } from '../support/dynalite.ts';
import { queryRows, type TestDatabase } from '../support/postgres.ts';
import type { Installed } from './installed.ts';

const MIGRATIONS = new URL('../../migrations', import.meta.url).pathname;

/** `COPY a b ./dist/` is `['COPY', 'a b ./dist/']`; comments and the lines that are continued are not in it. */
type Instruction = readonly [name: string, rest: string];
const instructionsOf = (dockerfile: string): Instruction[] =>
  dockerfile
    .split('\n')
    .filter((line) => /^[A-Z]+ /.test(line))
    .map((line) => [line.slice(0, line.indexOf(' ')), line.slice(line.indexOf(' ') + 1)]);

/** Of the package, as `docker build` gets it; and what is in the image's working directory. */
let context: string;
let image: string;
let dockerfile: readonly Instruction[];

const all = (name: string) => dockerfile.filter(([each]) => each === name).map(([, rest]) => rest);

/** What the sources of a COPY stand for. Of a folder its content is copied. */
async function layOut(): Promise<void> {
  await rm(image, { recursive: true, force: true });
  for (const copy of all('COPY')) {
    const words = copy.split(' ');
    const target = join(image, words.at(-1) ?? '');
    for (const source of globSync(words.slice(0, -1), { cwd: context })) {
      const isFolder = !/\.\w+$/.test(source);
      await mkdir(target, { recursive: true });
      await cp(join(context, source), isFolder ? target : join(target, basename(source)), {
        recursive: true,
      });
    }
  }
}

interface Ended {
  readonly exitCode: number | null;
  /** On stdout and stderr. */
  readonly said: string;
}

/** With the Node that the image has, below where the image would have it, and with nothing of this machine's environment. */
async function run(command: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Ended> {
  const [program, ...args] = command.map((word) => word.replace(IMAGE_DIRECTORY, image));
  expect(program).toBe('node');
  const child = spawn(process.execPath, args, { cwd: image, env, stdio: ['ignore', 'pipe', 'pipe'] });
  const [stdout, stderr, exitCode] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    new Promise<number | null>((resolve) => child.once('exit', resolve)),
  ]);
  return { exitCode, said: stdout + stderr };
}

/** With the package installed in an empty folder, and a database of one's own; both are there when the tests run. */
export function describeImage(installed: () => Installed, database: () => TestDatabase): void {
  beforeAll(async () => {
    const { bare } = installed();
    context = join(bare.path, 'node_modules', 'lockstep');
    image = join(bare.path, 'image');
    dockerfile = instructionsOf(await readFile(join(context, 'Dockerfile'), 'utf8'));
    const bundle = ['lockstep', 'bundle', '--migrations', MIGRATIONS, '--out', join(context, IMAGE_BUNDLE)];
    expect(await bare.run('npx', bundle)).toMatchObject({ exitCode: 0 });
    await layOut();
  });

  describe('the Dockerfile', () => {
    test('copies only what the package has, and all that the constructs give it', () => {
      const sources = all('COPY').flatMap((copy) => copy.split(' ').slice(0, -1));
      for (const source of sources) {
        expect(globSync(source, { cwd: context }).length, source).toBeGreaterThan(0);
      }
      expect(new Set(sources)).toEqual(new Set([...IMAGE_FILES, `${IMAGE_BUNDLE}*`]));
    });

    test('starts from a Node that is maintained, runs nothing to build, and runs as somebody without rights', () => {
      expect(all('FROM')).toEqual(['node:24-slim']);
      expect(all('RUN')).toEqual([]);
      expect(all('USER')).toEqual(['node']);
      expect(all('WORKDIR')).toEqual([IMAGE_DIRECTORY]);
      expect(all('HEALTHCHECK')).toEqual([]);
    });

    test('sends no more to be built than it copies', async () => {
      const ignore = (await readFile(join(context, '.dockerignore'), 'utf8')).split('\n');
      expect(ignore).toContain('*');
      const kept = ignore.filter((line) => line.startsWith('!')).map((line) => line.slice(1));
      expect(kept.toSorted()).toEqual([IMAGE_BUNDLE, 'dist', 'package.json'].toSorted());
    });
  });

  describe('in the image', () => {
    const entryPoint = () => JSON.parse(all('ENTRYPOINT')[0] ?? '[]') as string[];

    test('the command shows its help when nothing else is asked for', async () => {
      const help = JSON.parse(all('CMD')[0] ?? '[]') as string[];
      expect(await run([...entryPoint(), ...help])).toMatchObject({
        exitCode: 0,
        said: expect.stringContaining('apply what is pending'),
      });
    });

    test('the command migrates with the bundle', async () => {
      const up = await run([...entryPoint(), 'up', '--bundle', IMAGE_BUNDLE, '--json'], {
        DATABASE_URL: database().url,
      });
      expect(up.exitCode).toBe(0);
      const [row] = await queryRows(database().url, 'SELECT count(*)::int AS applied FROM lockstep.applied');
      expect(row).not.toEqual({ applied: 0 });
    });

    test('the command is one file of less than 3 MB, which needs nothing but Node, and the parser beside it', async () => {
      const file = join(image, 'dist', 'lockstep.cjs');
      expect((await stat(file)).size).toBeLessThan(3_000_000);
      expect((await readdir(join(image, 'dist'))).toSorted()).toEqual(['chunks', 'lockstep.cjs', 'task']);
      // In an image the folder is nobody's who runs it; here the command keeps what it compiled.
      const chunks = await readdir(join(image, 'dist', 'chunks'));
      expect(chunks.filter((name) => !name.startsWith('compiled-'))).toEqual(['libpg-query.wasm']);
      const texts = textsIn(await readFile(file, 'utf8'));
      expect(texts.size).toBeGreaterThan(20);
      // What nobody asks for by name (lib/adapters/postgres/scram.ts) is in it all the same.
      expect([...texts.values()].filter((text) => text.includes('pbkdf2'))).toHaveLength(1);
      const asked = [...texts.values()].flatMap((text) =>
        [...text.matchAll(/(?:require|import|lockstepImport)\("([^"]+)"\)/g)].map(([, name]) => name ?? ''),
      );
      expect(asked.length).toBeGreaterThan(200);
      // The last one is what the AWS SDK tries, and nobody has.
      const found = asked.filter((name) => !texts.has(name) && !isBuiltin(name));
      expect(new Set(found)).toEqual(new Set(['@aws-sdk/signature-v4-crt']));
      await writeFile(join(image, '0001_a.sql'), 'SELEC 1;');
      const plan = await run([...entryPoint(), 'bundle', '--migrations', '.']);
      await rm(join(image, '0001_a.sql'));
      expect(plan.said).toContain('LS204');
    });

    test('the program of the task says what its environment lacks', async () => {
      const { exitCode, said } = await run(['node', `${IMAGE_DIRECTORY}/${TASK_PROGRAM}`]);
      expect(exitCode).toBe(2);
      expect(said).toContain(`${EnvName.taskInput} is not set`);
    });

    test('the program of the task gets its credentials from ECS, and does nothing without the lease', async () => {
      const dynalite = await startDynalite();
      let asked = 0;
      const credentials = createServer((_request, response) => {
        asked++;
        const Expiration = new Date(Date.now() + 3_600_000).toISOString();
        response.setHeader('content-type', 'application/json');
        response.end(JSON.stringify({ AccessKeyId: 'A', SecretAccessKey: 'S', Token: 'T', Expiration }));
      });
      await new Promise<void>((resolve) => credentials.listen(0, '127.0.0.1', resolve));
      const { port } = credentials.address() as AddressInfo;
      const input: MigrateTaskInput = {
        run: { id: 'run-1', execution: 'arn', startedAt: new Date().toISOString() },
        plan: { toRevision: null, phase: null, forceContract: false, lastEntryId: '0', bundleDigest: '' },
        restorePointId: null,
      };
      const { exitCode, said } = await run(['node', `${IMAGE_DIRECTORY}/${TASK_PROGRAM}`], {
        // As ECS sets it, and what the task definition does.
        AWS_EXECUTION_ENV: 'AWS_ECS_FARGATE',
        AWS_REGION: 'us-east-1',
        AWS_CONTAINER_CREDENTIALS_FULL_URI: `http://127.0.0.1:${port}/credentials`,
        AWS_ENDPOINT_URL_DYNAMODB: dynalite.endpoint,
        POWERTOOLS_TRACE_ENABLED: 'false',
        [EnvName.target]: 'orders',
        [EnvName.leaseTable]: dynalite.tableName,
        [EnvName.bundlePath]: join(image, IMAGE_BUNDLE),
        [EnvName.databaseHost]: '127.0.0.1',
        [EnvName.databasePort]: '1',
        [EnvName.databaseName]: 'orders',
        [EnvName.databaseUser]: 'migrator',
        [EnvName.taskInput]: JSON.stringify(input),
      });
      credentials.close();
      await dynalite.close();
      expect(said).toContain('"code":"LS402"');
      expect(exitCode).toBe(1);
      expect(asked).toBe(1);
    });
  });
}

/** Of the command's modules, by their names: as lib/build/one-file.ts puts them into its one file. */
function textsIn(code: string): ReadonlyMap<string, string> {
  const start = code.indexOf('/*') + 2;
  const places: Record<string, [number, number, string[], 0 | 1]> = JSON.parse(
    /^const places = (.*);$/m.exec(code)?.[1] ?? '',
  );
  return new Map(
    Object.entries(places).map(([name, [from, to, , isCompressed]]) => {
      const text = code.slice(start + from, start + to);
      return [name, isCompressed ? `${brotliDecompressSync(Buffer.from(text, 'base64url'))}` : text];
    }),
  );
}
