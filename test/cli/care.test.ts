import { describe, expect, it } from 'vitest';
import { queryRows } from '../support/postgres.ts';
import { folderWith, lockstep } from './command-line.ts';
import { databaseForTest } from './database-content.ts';

const APPLIED = {
  '0001_a.sql': 'CREATE TABLE a (id int);\n',
  '0002_b.sql': 'CREATE TABLE b (id int);\n',
};

/** A command on a database, with files that may differ from call to call. */
async function site() {
  const { url, name } = await databaseForTest();
  const run = async (files: Readonly<Record<string, string>>, ...args: string[]) =>
    lockstep([...args, '--migrations', await folderWith(files)], { DATABASE_URL: url });
  return { url, name, run };
}

describe('repair', () => {
  it('gives recorded and refused edits as JSON, and the exit code of drift while one is refused', {
    timeout: 120_000,
  }, async () => {
    const { run, name } = await site();
    await run(APPLIED, 'up');
    const edited = {
      '0001_a.sql': 'create table a (id int)\n',
      '0002_b.sql': 'CREATE TABLE b (id bigint);\n',
    };
    const first = await run(edited, 'repair', '--json');
    expect(first).toMatchObject({ exitCode: 4, stderr: expect.not.stringContaining('Error') });
    expect(JSON.parse(first.stdout)).toMatchObject({
      target: name,
      recorded: [{ migration: '0001_a', accepted: false }],
      refused: [{ revision: '0002', up: { file: '0002_b.sql', diff: expect.any(Array) }, down: null }],
      orphaned: [],
      error: { code: 'LS501' },
    });
    const second = await run(edited, 'repair', '--json', '--accept', '1', '--accept', '2');
    expect(second).toMatchObject({ exitCode: 0 });
    expect(JSON.parse(second.stdout)).toMatchObject({ recorded: [{ migration: '0002_b', accepted: true }] });
    expect(await run(edited, 'up')).toMatchObject({ exitCode: 0 });
  });

  it('refuses a revision that is no number', async () => {
    const { run } = await site();
    expect(await run(APPLIED, 'repair', '--accept', 'all')).toMatchObject({ exitCode: 2 });
  });
});

describe('verify', () => {
  it('gives findings as JSON with the exit code 1, also without the files', async () => {
    const { url, run } = await site();
    await run(APPLIED, 'up');
    const well = await run(APPLIED, 'verify', '--json');
    expect(well).toMatchObject({ exitCode: 0 });
    expect(JSON.parse(well.stdout)).toMatchObject({ findings: [], objects: 4, notChecked: [] });
    await queryRows(url, 'DROP TABLE b');
    const amiss = await lockstep(['verify', '--json', '--migrations', '/nowhere'], { DATABASE_URL: url });
    expect(amiss).toMatchObject({ exitCode: 1 });
    expect(JSON.parse(amiss.stdout)).toMatchObject({
      findings: [{ kind: 'missing', object: 'b', what: expect.any(String), remedy: expect.any(String) }],
      error: { code: 'LS508' },
    });
  }, 120_000);
});

describe('up --dry-run', () => {
  it('gives what was tried as JSON, and the exit code 1 with the code that `up` would have, if one fails', async () => {
    const { url, run, name } = await site();
    const well = await run(APPLIED, 'up', '--dry-run', '--json');
    expect(well).toMatchObject({ exitCode: 0 });
    expect(JSON.parse(well.stdout)).toMatchObject({
      target: name,
      outcome: 'pending',
      pending: ['0001_a', '0002_b'],
      tried: [{ migration: '0001_a' }, { migration: '0002_b' }],
      leftOut: [],
      notTried: [],
      sequences: [],
    });
    const amiss = await run({ ...APPLIED, '0003_c.sql': 'DROP TABLE c;\n' }, 'up', '--dry-run', '--json');
    expect(amiss).toMatchObject({ exitCode: 1 });
    expect(JSON.parse(amiss.stdout)).toMatchObject({
      error: { code: 'LS614', position: { file: '0003_c.sql', line: 1 }, context: { code: 'LS601' } },
    });
    expect(await queryRows(url, `SELECT FROM pg_namespace WHERE nspname = 'lockstep'`)).toEqual([]);
  }, 120_000);
});

describe('plan --sql', () => {
  it('prints SQL and comments only, which begins and ends each transaction, and the same as JSON', async () => {
    const { run } = await site();
    const { stdout, exitCode } = await run(APPLIED, 'plan', '--sql');
    expect(exitCode).toBe(0);
    expect(stdout.match(/^(?:BEGIN|COMMIT)\b.*;$/gm)).toHaveLength(4);
    const json = JSON.parse((await run(APPLIED, 'plan', '--sql', '--json')).stdout);
    expect(json.migrations).toMatchObject([
      { migration: '0001_a', steps: [{ kind: 'transaction', isDone: false }] },
      {},
    ]);
    expect(stdout).toContain(`${json.migrations[1].steps[0].messages[0].sql};\n`);
    await run(APPLIED, 'up');
    expect((await run(APPLIED, 'plan', '--sql')).stdout).toMatch(/^-- Nothing to apply to test_\w+\.\n$/);
    const edited = { ...APPLIED, '0002_b.sql': 'SELECT 1;\n' };
    expect(await run(edited, 'plan', '--sql')).toMatchObject({
      exitCode: 4,
      stdout: expect.stringMatching(/^-- Nothing can be applied .*drift 0002_b\.\n$/),
    });
  }, 120_000);
});
