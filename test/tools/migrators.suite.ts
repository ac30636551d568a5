/**
 * The migrators of docs/guides/any-migrator.md themselves, from their registries, with the commands of that page:
 * `npm run test:migrators`. Of each that cannot be had it says why. LOCKSTEP_MIGRATORS=goose,Prisma takes only those.
 */
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { lockstep } from '../cli/command-line.ts';
import { databaseForTest } from '../cli/database-content.ts';
import { readDocument } from '../docs/markdown.ts';
import { queryRows } from '../support/postgres.ts';
import { golangMigrate, goose } from './migrators/go.ts';
import { flyway, liquibase } from './migrators/jvm.ts';
import { dbmate, drizzle, nodePgMigrate, prisma } from './migrators/npm.ts';
import {
  type Installed,
  reasonOf,
  type Step,
  type Tool,
  writeFiles,
  writeProgram,
} from './migrators/tool.ts';

const TOOLS = [dbmate, drizzle, flyway, golangMigrate, goose, liquibase, nodePgMigrate, prisma];
const ASKED = process.env.LOCKSTEP_MIGRATORS?.split(',');
const INSTANCES = [1, 2, 3];

/** Long enough for a second one to come. */
const ACCOUNT: Step = { name: 'account', sql: 'CREATE TABLE account AS SELECT 1 AS id FROM pg_sleep(3)' };
const WRONG: Step = { name: 'wrong', sql: 'INSERT INTO account VALUES (1 / 0)' };

/** `lockstep exec -- …`, as the page has it. */
function lineOf({ name }: Tool): string {
  const row = readDocument('docs/guides/any-migrator.md')
    .split('\n')
    .find((line) => line.startsWith(`| ${name} `));
  return /`([^`]+)`/.exec(row ?? '')?.[1] ?? '';
}

const COMMAND = fileURLToPath(new URL('../../bin/lockstep.ts', import.meta.url));
const place = await mkdtemp(join(tmpdir(), 'lockstep-migrators-'));
beforeAll(async () => {
  await mkdir(join(place, 'bin'));
  await writeProgram(
    join(place, 'bin', 'lockstep'),
    `#!/bin/sh\nexec '${process.execPath}' '${COMMAND}' "$@"\n`,
  );
});
afterAll(() => rm(place, { recursive: true, force: true }));

async function install(tool: Tool): Promise<Installed | Error> {
  const folder = join(place, tool.name);
  await mkdir(folder);
  return tool.install(folder).catch((error: Error) => error);
}

/** A project and an empty database. */
async function site(tool: Tool, { path, modules }: Installed, steps: readonly Step[]) {
  const folder = await mkdtemp(join(place, 'project-'));
  await writeFiles(folder, {
    'package.json': '{ "private": true, "type": "module" }',
    ...tool.project(steps),
  });
  if (modules) await symlink(modules, join(folder, 'node_modules'));
  const { url } = await databaseForTest();
  const env = {
    PATH: [join(place, 'bin'), ...path, dirname(process.execPath), process.env.PATH].join(delimiter),
    HOME: process.env.HOME,
    JAVA_HOME: process.env.JAVA_HOME,
    DATABASE_URL: `${url}?sslmode=disable`,
    ...tool.variables?.(new URL(url)),
  };
  const shell = (line: string) =>
    new Promise<{ exitCode: number; output: string }>((resolve) => {
      execFile('sh', ['-c', line], { cwd: folder, env }, (error, stdout, stderr) =>
        resolve({ exitCode: error ? Number(error.code) : 0, output: stdout + stderr }),
      );
    });
  return {
    exec: () => shell(lineOf(tool)),
    alone: () => shell(lineOf(tool).replace('lockstep exec -- ', '')),
    rows: <Row extends object>(sql: string) => queryRows<Row>(url, sql),
    runs: async () => JSON.parse((await lockstep(['runs', '--json'], { DATABASE_URL: url })).stdout).runs,
  };
}

function suite(tool: Tool, installed: Installed): void {
  const [first, both] = tool.ids;

  it('three at once with exec: once, and all succeed', async () => {
    const { exec, rows, runs } = await site(tool, installed, [ACCOUNT]);
    const ended = await Promise.all(INSTANCES.map(exec));
    expect(ended.filter(({ exitCode }) => exitCode !== 0)).toEqual([]);
    expect(await rows('SELECT id FROM account')).toEqual([{ id: 1 }]);
    const histories = (await runs()).flatMap((run: { histories: unknown }) => run.histories);
    expect(histories).toEqual([expect.objectContaining({ tool: tool.name, added: first, removed: [] })]);
  }, 300_000);

  it('a migration that fails: its exit code is passed on, and the run has failed', async () => {
    const alone = await (await site(tool, installed, [ACCOUNT, WRONG])).alone();
    const { exec, runs } = await site(tool, installed, [ACCOUNT, WRONG]);
    const { exitCode, output } = await exec();
    expect(exitCode).not.toBe(0);
    expect(exitCode).toBe(alone.exitCode);
    expect(output).toContain(`ended with exit code ${exitCode}.`);
    const [run] = await runs();
    expect(run).toMatchObject({ verdict: 'failed', error: expect.stringContaining('LS801') });
    // A tool that has all its migrations in one transaction has none of them then.
    const added = run.histories.flatMap((history: { added: string[] }) => history.added);
    expect([[], first, both]).toContainEqual(added);
  }, 300_000);

  if (!tool.collides) return;
  it('three at once without exec collide', async () => {
    const { alone } = await site(tool, installed, [ACCOUNT]);
    const ended = await Promise.all(INSTANCES.map(alone));
    expect(ended.filter(({ exitCode }) => exitCode !== 0)).not.toEqual([]);
  }, 300_000);
}

for (const tool of TOOLS.filter(({ name }) => ASKED?.includes(name) ?? true)) {
  const installed = await install(tool);
  describe(tool.name, () => {
    if (!(installed instanceof Error)) return suite(tool, installed);
    const reason = reasonOf(installed);
    it(`did not run: ${reason}`, () => {
      console.warn(`${tool.name} was not tested: ${reason}`);
    });
  });
}
