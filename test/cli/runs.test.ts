/** `lockstep runs`: what the ledger knows about runs, as people and scripts read it. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { queryRows } from '../support/postgres.ts';
import { folderWith, lockstep } from './command-line.ts';
import { databaseForTest } from './database-content.ts';

const FILES = {
  '0001_users.sql': 'CREATE TABLE users (id int PRIMARY KEY, name text);\n',
  '0001_users.down.sql': 'DROP TABLE users;\n',
  '0002_mail.sql':
    'ALTER TABLE users ADD COLUMN mail text;\nCREATE INDEX CONCURRENTLY mails ON users (mail);\n',
  'R_names.sql': 'CREATE OR REPLACE VIEW names AS SELECT name FROM users;\n',
};

async function site(files: Readonly<Record<string, string>> = FILES) {
  const [{ url, name }, folder] = [await databaseForTest(), await folderWith(files)];
  const run = (...args: string[]) => lockstep([...args, '--migrations', folder], { DATABASE_URL: url });
  return { url, name, run };
}

interface Listed {
  readonly runId: string;
  readonly verdict: string;
}

it('lists none in a database without a ledger', async () => {
  const { name, run } = await site();
  expect(await run('runs')).toEqual({ exitCode: 0, stdout: `No run is recorded in ${name}.\n`, stderr: '' });
  expect(JSON.parse((await run('runs', '--json')).stdout)).toEqual({ target: name, runs: [] });
});

it('lists runs, the newest first, and shows what each did, in its order and with its locks', async () => {
  const { url, run } = await site();
  await run('up', '--to', '0001');
  await run('up');
  const { runs } = JSON.parse((await run('runs', '--json')).stdout) as { runs: Listed[] };
  expect(runs).toMatchObject([
    { verdict: 'applied', entryCount: 2, error: null, restorePoint: null },
    { verdict: 'applied', entryCount: 1 },
  ]);
  const lines = (await run('runs')).stdout.trimEnd().split('\n');
  expect(lines.map((line) => line.split(/ {2,}/).slice(1))).toEqual([
    ['applied', expect.stringMatching(/ (ms|s)$/), '2 entries', runs[0]!.runId],
    ['applied', expect.stringMatching(/ (ms|s)$/), '1 entry', runs[1]!.runId],
  ]);
  const shown = JSON.parse((await run('runs', 'show', runs[0]!.runId, '--json')).stdout);
  expect(shown.run).toEqual(runs[0]);
  expect(shown.events).toMatchObject([
    {
      kind: 'step',
      migration: '0002_mail',
      step: 1,
      state: 'done',
      direction: 'up',
      locks: [{ relation: 'public.users', mode: 'ACCESS EXCLUSIVE' }],
    },
    { kind: 'step', migration: '0002_mail', step: 2, state: 'done' },
    { kind: 'applied', migration: '0002_mail', step: null },
    { kind: 'applied', migration: 'R_names' },
  ]);
  const { stdout } = await run('runs', 'show', runs[0]!.runId);
  expect(stdout).toMatch(
    /^Run +\S+\nVerdict +applied\nBegan +.*\nEnded +.*, after .*\nHolder +.*, token \d+\n/,
  );
  expect(stdout).toMatch(
    /\n\+0 ms +begin of the run\n\+.* +0002_mail +step 1 done\n +ACCESS EXCLUSIVE on public\.users /,
  );
  expect(stdout).toMatch(/\n\+.* +R_names +applied in .*\n\+.* +end of the run +applied\n$/);
  expect(await queryRows(url, 'SELECT count(*)::int AS runs FROM lockstep.run')).toEqual([{ runs: 2 }]);
});

it('shows what a failed run left behind, with its error', async () => {
  const { run } = await site({
    '0001_users.sql': 'CREATE TABLE users (id int);\nINSERT INTO users VALUES (1), (1);\n',
    '0002_unique.sql': 'CREATE UNIQUE INDEX CONCURRENTLY one ON users (id);\n',
  });
  expect(await run('up')).toMatchObject({ exitCode: 1 });
  const [line = ''] = (await run('runs')).stdout.split('\n');
  const id = line.split(/ {2,}/).at(-1)!;
  expect(line).toMatch(/ {2}failed \(LS6\d\d\) {2}/);
  const { stdout } = await run('runs', 'show', id);
  expect(stdout).toMatch(/Verdict +failed\n +LS6\d\d: /);
  expect(stdout).toMatch(/0001_users +applied in .*\n/);
  expect(stdout).toMatch(/end of the run +failed\n$/);
});

it('a run that took others back shows the reverts as its own', async () => {
  const { run } = await site();
  await run('up', '--to', '0001');
  await run('down', '-1');
  const { runs } = JSON.parse((await run('runs', '--json')).stdout) as { runs: Listed[] };
  const events = await Promise.all(
    runs.map(async ({ runId }) => JSON.parse((await run('runs', 'show', runId, '--json')).stdout).events),
  );
  expect(events.flat()).toContainEqual(
    expect.objectContaining({ kind: 'reverted', migration: '0001_users' }),
  );
});

it('an unknown run is an error with a code, and nothing is shown', async () => {
  const { run } = await site();
  await run('up');
  expect(await run('runs', 'show', 'nobody')).toMatchObject({
    exitCode: 2,
    stdout: '',
    stderr: expect.stringContaining('Error LS504: The ledger knows no run nobody.'),
  });
  expect(await run('runs', 'show')).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('LS101') });
});

it('writes a report that needs no network, and in which nothing of a migration is markup', async () => {
  const hostile = "SELECT '</pre><script>alert(1)</script>', '\"&<b>';\n";
  const { run } = await site({
    ...FILES,
    'R_names.sql': 'CREATE OR REPLACE VIEW names AS SELECT id FROM users;\n',
    '0003_hostile.sql': hostile,
    '0004_drop.contract.sql': 'ALTER TABLE users DROP COLUMN name;\n',
  });
  await run('up');
  const { runs } = JSON.parse((await run('runs', '--json')).stdout) as { runs: Listed[] };
  const file = join(await folderWith({}), 'reports', 'run.html');
  const written = await run('runs', 'report', runs[0]!.runId, '--out', file);
  expect(written).toMatchObject({
    exitCode: 0,
    stdout: `Wrote the report of run ${runs[0]!.runId} to ${file}.\n`,
  });
  const page = await readFile(file, 'utf8');
  expect(page).toMatch(/^<!doctype html>\n/);
  expect(page).toContain("default-src 'none'");
  expect(page).not.toMatch(/<script|<b>|<link|<img|src=|href=|url\(|@import|https?:/);
  expect(page).toContain('&lt;script&gt;alert(1)&lt;/script&gt;');
  expect(page).toContain('<summary><span class="name">0002_mail</span></summary>');
  expect(page).toContain(
    '<code>public.users</code><span class="mode">ACCESS EXCLUSIVE</span><span class="by">by 0002_mail</span>',
  );
  expect(page).toMatch(
    /0004_drop<\/span> <span class="badge warn">1 hazard<[\s\S]*DROP COLUMN users\.name is final/,
  );
  expect(await run('runs', 'report', 'nobody', '--out', file)).toMatchObject({
    stderr: expect.stringContaining('LS504'),
  });
});
