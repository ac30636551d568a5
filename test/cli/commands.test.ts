import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { queryRows, type TestDatabase } from '../support/postgres.ts';
import { folderWith, lockstep, startLockstep } from './command-line.ts';
import { databaseForTest } from './database-content.ts';

const FILES = {
  '0001_accounts.sql': 'CREATE TABLE accounts (id bigint PRIMARY KEY, name text);\n',
  '0001_accounts.down.sql': 'DROP TABLE accounts;\n',
  '0002_notes.sql': 'CREATE TABLE notes (id bigint PRIMARY KEY);\n',
  '0002_notes.down.sql': 'DROP TABLE notes;\n',
  '0003_drop_name.contract.sql': 'ALTER TABLE accounts DROP COLUMN name;\n',
};

interface Site {
  readonly database: TestDatabase;
  readonly folder: string;
  /** Runs a command on the database and the folder; expects the exit code 0. */
  run(...args: string[]): Promise<string>;
  json(...args: string[]): Promise<Record<string, unknown>>;
}

async function site(files: Readonly<Record<string, string>> = FILES): Promise<Site> {
  const [database, folder] = [await databaseForTest(), await folderWith(files)];
  const run = async (...args: string[]) => {
    const ended = await lockstep([...args, '--migrations', folder], { DATABASE_URL: database.url });
    expect(ended).toMatchObject({ exitCode: 0 });
    return ended.stdout;
  };
  return { database, folder, run, json: async (...args) => JSON.parse(await run(...args, '--json')) };
}

const tablesOf = async ({ url }: TestDatabase): Promise<string[]> =>
  (
    await queryRows<{ t: string }>(
      url,
      `SELECT tablename AS t FROM pg_tables WHERE schemaname = 'public' ORDER BY 1`,
    )
  ).map(({ t }) => t);

describe('up, plan, status, history, current', () => {
  it('plan lists what is pending with phase and hazards, and applies nothing', async () => {
    const { database, run, json } = await site();
    const text = await run('plan');
    expect(text).toMatch(/^3 migrations to apply to test_/);
    expect(text).toMatch(
      /0003_drop_name +contract, no down file\n +destructive 0003_drop_name\.contract\.sql:1: \S/,
    );
    expect(await json('plan')).toMatchObject({
      target: database.name,
      outcome: 'pending',
      pending: [
        { revision: '0001', slug: 'accounts', phase: 'expand', reversible: true, hazards: [] },
        { revision: '0002', reversible: true },
        {
          revision: '0003',
          phase: 'contract',
          reversible: false,
          hazards: [{ class: 'destructive', line: 1 }],
        },
      ],
    });
    expect(await tablesOf(database)).toEqual([]);
  });

  it('up applies in order, then finds nothing to do', async () => {
    const { database, run, json } = await site();
    expect(await run('up', '--to', '2')).toBe(
      `Applied 2 migrations to ${database.name}:\n  0001_accounts\n  0002_notes\n`,
    );
    expect(await tablesOf(database)).toEqual(['accounts', 'notes']);
    expect(await json('up')).toMatchObject({
      outcome: 'applied',
      ran: true,
      applied: ['0003_drop_name'],
      appliedCount: 3,
    });
    expect(await run('up')).toMatch(/^Nothing to apply to test_\w+: 3 migrations applied, none pending\.\n$/);
    expect(await json('up')).toMatchObject({
      outcome: 'nothing-pending',
      ran: false,
      applied: [],
      token: null,
    });
  });

  it('a database that is ahead is no failure', async () => {
    const { database, run, folder } = await site();
    await run('up');
    const older = await folderWith({
      '0001_accounts.sql': FILES['0001_accounts.sql'],
      '0001_accounts.down.sql': FILES['0001_accounts.down.sql'],
    });
    expect(older).not.toBe(folder);
    const ended = await lockstep(['up', '--migrations', older], { DATABASE_URL: database.url });
    expect(ended).toMatchObject({ exitCode: 0 });
    expect(ended.stdout).toMatch(/ahead of these migrations by 0002_notes, 0003_drop_name/);
  });

  it('status says before and after what ran, what is pending, and what to do next', async () => {
    const { run, json } = await site();
    const before = await run('status');
    expect(before).toMatch(/^Applied +nothing$/m);
    expect(before).toMatch(/^Pending +3 migrations: 0001_accounts, 0002_notes, 0003_drop_name$/m);
    expect(before).toMatch(/^Lock +free$/m);
    expect(before).toMatch(/^Next +`lockstep up` applies what is pending\.$/m);
    await run('up');
    const after = await run('status');
    expect(after).toMatch(/^Applied +3 migrations, the newest is 0003_drop_name$/m);
    expect(after).toMatch(/^Pending +none$/m);
    expect(after).toMatch(
      /^Last run +applied: began .*, ended .*; applied 0001_accounts, 0002_notes, 0003_drop_name; by /m,
    );
    expect(after).toMatch(/^Next +nothing is to be done\.$/m);
    expect(await json('status')).toMatchObject({
      applied: ['0001_accounts', '0002_notes', '0003_drop_name'],
      outcome: 'nothing-pending',
      pending: [],
      lock: null,
      lastRun: { verdict: 'applied' },
    });
  });

  it('status works without the files', async () => {
    const { database, run } = await site();
    await run('up');
    const ended = await lockstep(['status', '--migrations', '/nowhere'], { DATABASE_URL: database.url });
    expect(ended).toMatchObject({ exitCode: 0 });
    expect(ended.stdout).toMatch(/^Applied +3 migrations/m);
    expect(ended.stdout).toMatch(/^Pending +unknown: \/nowhere /m);
  });

  it('history shows every entry, current the newest applied', async () => {
    const { run, json } = await site();
    expect(await run('current')).toBe('none\n');
    await run('up', '--to', '0002');
    await run('down', '-1');
    expect(await run('current')).toBe('0001_accounts\n');
    const lines = (await run('history')).trimEnd().split('\n');
    expect(lines.map((line) => /(applied|reverted) +(\w+)/.exec(line)?.slice(1))).toEqual([
      ['applied', '0001_accounts'],
      ['applied', '0002_notes'],
      ['reverted', '0002_notes'],
    ]);
    expect(await json('history')).toMatchObject({
      entries: [
        { revision: '0001', ordinal: 1 },
        { revision: '0002', ordinal: 1 },
        { revision: '0002', ordinal: 2 },
      ],
    });
  });
});

describe('a migration that fails', () => {
  it('is shown with file, line, column and caret, leaves no trace, and lets those before it stay', async () => {
    const { database, folder } = await site({
      ...FILES,
      '0003_drop_name.contract.sql':
        'CREATE TABLE trace (id int);\nALTER TABLE accounts\n  DROP COLUMN nom;\n',
    });
    const ended = await lockstep(['up', '--migrations', folder], { DATABASE_URL: database.url });
    expect(ended.exitCode).toBe(1);
    expect(ended.stderr).toMatch(/^Error LS601: .*column "nom".*\.$/m);
    expect(ended.stderr).toMatch(/0003_drop_name\.contract\.sql:\d+:\d+\n +\d+ \| .*\n +\^/);
    expect(await tablesOf(database)).toEqual(['accounts', 'notes']);
    const status = await lockstep(['status', '--migrations', folder], { DATABASE_URL: database.url });
    expect(status.stdout).toMatch(/^Last run +failed: /m);
    expect(status.stdout).toMatch(/^Next +correct what the last run failed at, then `lockstep up`\.$/m);
    const json = JSON.parse(
      (await lockstep(['up', '--migrations', folder, '--json'], { DATABASE_URL: database.url })).stdout,
    );
    expect(json.error).toMatchObject({
      code: 'LS601',
      name: 'MigrationFailedError',
      what: expect.stringContaining('nom'),
      state: expect.any(String),
      remedy: expect.any(String),
      position: {
        file: '0003_drop_name.contract.sql',
        line: expect.any(Number),
        column: expect.any(Number),
        text: expect.any(String),
      },
      exitCode: 1,
    });
  });
});

describe('down and stamp', () => {
  it('down reverts by number and to a revision, with the scripts of the ledger', async () => {
    const { database, run } = await site({
      ...FILES,
      '0003_drop_name.contract.sql': 'SELECT 1;\n',
      '0003_drop_name.down.sql': 'SELECT 1;\n',
    });
    await run('up');
    expect(await run('down', '-2')).toBe(
      `Reverted 2 migrations in ${database.name}:\n  0003_drop_name\n  0002_notes\n`,
    );
    expect(await tablesOf(database)).toEqual(['accounts']);
    expect(await run('down', '--to', '0')).toContain('0001_accounts');
    expect(await tablesOf(database)).toEqual([]);
    expect(await run('down', '--to', '0')).toMatch(/^Nothing to revert/);
  });

  it('stamp records without running', async () => {
    const { database, run, json } = await site();
    expect(await run('stamp', '1', '0002')).toMatch(
      /^Recorded 2 migrations as applied.*:\n {2}0001_accounts\n {2}0002_notes\n$/,
    );
    expect(await tablesOf(database)).toEqual([]);
    expect(await json('plan')).toMatchObject({ pending: [{ revision: '0003' }] });
  });
});

describe('new and bundle', () => {
  it('new begins with 0001 and goes on in the width of the files that are there', async () => {
    const folder = join(await folderWith({}), 'db');
    const first = await lockstep(['new', 'first', '--migrations', folder]);
    expect(first).toMatchObject({
      exitCode: 0,
      stdout: `Wrote ${folder}/0001_first.sql\nWrote ${folder}/0001_first.down.sql\n`,
    });
    await writeFile(join(folder, '000041_wide.sql'), 'SELECT 1;');
    const wide = await lockstep([
      'new',
      'drop old email',
      '--phase',
      'contract',
      '--migrations',
      folder,
      '--json',
    ]);
    expect(JSON.parse(wide.stdout)).toMatchObject({
      revision: '000042',
      slug: 'drop_old_email',
      phase: 'contract',
    });
    expect((await readdir(folder)).sort()).toEqual([
      '000041_wide.sql',
      '000042_drop_old_email.contract.sql',
      '000042_drop_old_email.down.sql',
      '0001_first.down.sql',
      '0001_first.sql',
    ]);
  });

  it('what new writes is valid as it is', async () => {
    const { database, folder } = await site({});
    await lockstep(['new', 'first', '--migrations', folder]);
    await lockstep(['new', 'second', '--phase', 'backfill', '--migrations', folder]);
    const ended = await lockstep(['up', '--migrations', folder], { DATABASE_URL: database.url });
    expect(ended).toMatchObject({ exitCode: 0, stdout: expect.stringContaining('0002_second') });
  });

  it('new refuses a slug that would not be a file name', async () => {
    const folder = await folderWith({});
    const ended = await lockstep(['new', '../evil', '--migrations', folder]);
    expect(ended).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('LS101') });
    expect(await readdir(folder)).toEqual([]);
  });

  it('a bundle does what its directory does', async () => {
    const { database, folder } = await site();
    const out = join(await folderWith({}), 'deep', 'bundle.json');
    const written = await lockstep(['bundle', '--migrations', folder, '--out', out, '--json']);
    expect(JSON.parse(written.stdout)).toMatchObject({
      file: out,
      migrations: ['0001_accounts', '0002_notes', '0003_drop_name'],
    });
    const up = await lockstep(['up', '--bundle', out], { DATABASE_URL: database.url });
    expect(up).toMatchObject({ exitCode: 0, stdout: expect.stringContaining('0003_drop_name') });
    const again = await lockstep(['plan', '--migrations', folder, '--json'], { DATABASE_URL: database.url });
    expect(JSON.parse(again.stdout)).toMatchObject({ outcome: 'nothing-pending', problems: [] });
  });

  it('a bundle that was edited is refused', async () => {
    const { database, folder } = await site();
    const out = join(folder, 'bundle.json');
    await lockstep(['bundle', '--migrations', folder, '--out', out]);
    await writeFile(out, (await readFile(out, 'utf8')).replace('DROP COLUMN name', 'DROP COLUMN id'));
    const ended = await lockstep(['up', '--bundle', out], { DATABASE_URL: database.url });
    expect(ended).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('LS209') });
    expect(await tablesOf(database)).toEqual([]);
  });
});

describe('wait', () => {
  it('returns when another process has applied everything', async () => {
    const { database, folder, run } = await site();
    const waiting = startLockstep(['wait', '--all', '--migrations', folder], { DATABASE_URL: database.url });
    const told = new Promise((resolve) => waiting.child.stderr?.once('data', resolve));
    await told;
    await run('up');
    expect(await waiting.ended).toMatchObject({
      exitCode: 0,
      stdout: expect.stringMatching(/^Everything is applied to .*\(3 migrations\)/),
    });
  });

  it('gives up after its time with the exit code 3', async () => {
    const { database, folder } = await site();
    const ended = await lockstep(['wait', '--timeout', '300ms', '--migrations', folder], {
      DATABASE_URL: database.url,
    });
    expect(ended).toMatchObject({
      exitCode: 3,
      stderr: expect.stringMatching(/^Error LS405: 2 migrations are still pending/m),
    });
  });
});

describe('where the database and the migrations come from', () => {
  it('PG* variables, ./migrations, and a flag that beats the environment', async () => {
    const { database, folder } = await site();
    const { hostname, port, username, password } = new URL(database.url);
    const login = { PGHOST: hostname, PGPORT: port, PGUSER: username, PGPASSWORD: password };
    await mkdir(join(folder, 'migrations'));
    await writeFile(join(folder, 'migrations', '0001_here.sql'), 'CREATE TABLE here ();');
    const up = await lockstep(['up'], { ...login, PGDATABASE: database.name }, folder);
    expect(up).toMatchObject({ exitCode: 0 });
    expect(await tablesOf(database)).toEqual(['here']);
    const flag = await lockstep(['current', '--database-url', database.url], {
      DATABASE_URL: 'postgres://127.0.0.1:1/nowhere',
    });
    expect(flag).toMatchObject({ exitCode: 0, stdout: '0001_here\n' });
  });
});
