/** `npm start`, as its user starts it. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { startPostgresServer } from '../../lib/local/index.ts';
import { createDatabase, queryRows } from '../support/postgres.ts';
import { descendantsOf, isAlive } from '../support/process-tree.ts';

let temporary: string;

beforeEach(async () => {
  temporary = await mkdtemp(join(tmpdir(), 'lockstep-demo-'));
  // The server's user has to get through it.
  await chmod(temporary, 0o755);
});
afterEach(() => rm(temporary, { recursive: true, force: true }));

interface Demo {
  readonly process: ChildProcess;
  readonly exitCode: Promise<number | null>;
  output(): string;
  /** Resolves when the output has this text. */
  shows(text: string): Promise<void>;
}

function startDemo(...options: string[]): Demo {
  let output = '';
  const child = spawn(process.execPath, ['bin/lockstep.ts', 'dev', ...options], {
    env: { ...process.env, TMPDIR: temporary, NO_COLOR: '1' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  for (const stream of [child.stdout, child.stderr])
    stream?.setEncoding('utf8').on('data', (text) => (output += text));
  const exitCode = once(child, 'close').then(([code]) => code as number | null);
  const shows = async (text: string) => {
    while (!output.includes(text)) {
      if (child.exitCode !== null) throw new Error(`ended without showing ${text}:\n${output}`);
      await sleep(20);
    }
  };
  return { process: child, exitCode, output: () => output, shows };
}

/** Node keeps compiled code of the command beside it. */
const filesLeft = async (): Promise<string[]> =>
  (await readdir(temporary)).filter((name) => name.startsWith('lockstep'));

describe('the demo', { timeout: 60_000 }, () => {
  test('rolls out, rolls back and takes over, keeps its promises and leaves nothing behind', async () => {
    const demo = startDemo();
    expect(await demo.exitCode, demo.output()).toBe(0);
    const output = demo.output();
    expect(output).not.toContain('BROKEN');
    expect(output).toMatch(/exactly one of the four applied 8 migrations, each once: (app-[123]|workflow)\n/);
    expect(output.match(/ready on 127\.0\.0\.1:\d+/g)).toHaveLength(3);
    expect(output).toContain('  0011_label_overdue_tasks.sql:6:20');
    expect(output).toMatch(/^ *6 \| WHERE NOT done AND dueon < DATE '2026-06-01';\n {25,}\^$/m);
    expect(output).toMatch(/killed \(SIGKILL\) while 0010_change_slowly runs/);
    expect(output).toMatch(/^1 roll out .*\n2 roll back .*\n3 take over /m);
    expect(output).not.toContain('\u001b');
    expect(await filesLeft()).toEqual([]);
  });

  test('does the first act on a database and migrations of the user', async () => {
    const database = await createDatabase();
    const migrations = join(temporary, 'own');
    await mkdir(migrations);
    await writeFile(join(migrations, '1_create_mine.sql'), 'CREATE TABLE mine (id int);');
    const demo = startDemo('--migrations', migrations, '--database-url', database.url);
    expect(await demo.exitCode, demo.output()).toBe(0);
    expect(demo.output()).toContain('exactly one of the four applied 1 migration');
    expect(demo.output()).not.toContain('Act 2');
    expect(await queryRows(database.url, 'SELECT count(*)::int AS rows FROM mine')).toEqual([{ rows: 0 }]);
    await database.drop();
  });

  test('shows what is wrong with the migrations of the user', async () => {
    const migrations = join(temporary, 'own');
    await mkdir(migrations);
    await writeFile(join(migrations, '1_create_mine.sql'), 'CREATE TABEL mine (id int);');
    const demo = startDemo('--migrations', migrations);
    expect(await demo.exitCode).toBe(2);
    expect(demo.output()).toContain('Error LS204: 1_create_mine.sql, line 1, column 8');
  });
});

describe('a demo that ends early', { timeout: 60_000 }, () => {
  test('stops every process and removes its files when it is interrupted', async () => {
    const demo = startDemo();
    await demo.shows('has the lease');
    const processes = descendantsOf(demo.process.pid as number);
    expect(processes.length).toBeGreaterThan(4);
    demo.process.kill('SIGINT');
    expect(await demo.exitCode).toBe(130);
    expect(processes.filter(isAlive)).toEqual([]);
    expect(await filesLeft()).toEqual([]);
  });

  test('has its server stopped by the next start when it was killed; its other processes end by themselves', async () => {
    const demo = startDemo();
    await demo.shows('has the lease');
    const processes = descendantsOf(demo.process.pid as number);
    const [data] = /\S+\/data$/m.exec(demo.output()) ?? [];
    const server = Number((await readFile(join(data as string, 'postmaster.pid'), 'utf8')).split('\n')[0]);
    demo.process.kill('SIGKILL');
    await demo.exitCode;
    expect(isAlive(server)).toBe(true);

    process.env.TMPDIR = temporary;
    const next = await startPostgresServer().finally(() => delete process.env.TMPDIR);
    expect(next.reaped).toEqual([server]);
    await expect.poll(() => processes.filter(isAlive), { timeout: 10_000 }).toEqual([]);
    await next.stop();
    expect(await filesLeft()).toEqual([]);
  });
});
