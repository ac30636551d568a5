import { describe, expect, it } from 'vitest';
import { folderWith, lockstep } from './command-line.ts';
import { databaseForTest } from './database-content.ts';

const FILES = {
  '0001_accounts.sql': 'CREATE TABLE accounts (id bigint PRIMARY KEY, name text);\n',
  '0001_accounts.down.sql': 'DROP TABLE accounts;\n',
  '0002_drop_name.contract.sql': 'ALTER TABLE accounts DROP COLUMN name;\n',
  '0003_notes.sql': 'CREATE TABLE notes (id bigint PRIMARY KEY);\n',
  '0003_notes.down.sql': 'DROP TABLE notes;\n',
};

async function site() {
  const [{ url, name }, folder] = [await databaseForTest(), await folderWith(FILES)];
  const run = (args: string, migrations = folder) =>
    lockstep([...args.split(' '), '--migrations', migrations], { DATABASE_URL: url });
  const json = async (args: string, migrations?: string) => {
    const ended = await run(`${args} --json`, migrations);
    return { exitCode: ended.exitCode, ...JSON.parse(ended.stdout) };
  };
  return { name, run, json };
}

/** Each is several processes, which take their time on a machine with other work. */
describe('--phase', { timeout: 90_000 }, () => {
  it('limits plan and up, and both tell what they leave', async () => {
    const { name, run, json } = await site();
    const plan = await json('plan --phase expand');
    expect(plan).toMatchObject({
      pending: [{ revision: '0001' }, { revision: '0003' }],
      heldBack: ['0002_drop_name'],
    });
    expect((await run('plan --phase expand')).stdout).toMatch(
      /^Left for a run of the phase contract: 0002_drop_name\.$/m,
    );
    expect((await run('up --phase expand')).stdout).toBe(
      `Applied 2 migrations to ${name}:\n  0001_accounts\n  0003_notes\nLeft for a run of the phase contract: 0002_drop_name.\n`,
    );
    expect(await json('up --phase expand')).toMatchObject({
      exitCode: 0,
      outcome: 'nothing-pending',
      heldBack: ['0002_drop_name'],
    });
    expect(await json('up --phase contract')).toMatchObject({ exitCode: 0, applied: ['0002_drop_name'] });
  });

  it('contract is refused, by plan and by up, before it is prepared: LS511, exit code 4', async () => {
    const { run, json } = await site();
    const refused = { exitCode: 4, error: { code: 'LS511' } };
    expect(await json('up --phase contract')).toMatchObject(refused);
    expect(await json('plan --phase contract')).toMatchObject({ ...refused, outcome: 'refused' });
    expect((await run('plan --phase contract')).stdout).toMatch(/^ {2}unprepared +0001_accounts$/m);
    expect(await json('up --phase backfill')).toMatchObject({ exitCode: 2, error: { code: 'LS101' } });
  });
});

it('wait is content with expand and back-fill; with --all it waits for contract, too', {
  timeout: 90_000,
}, async () => {
  const { run, json } = await site();
  await json('up --phase expand');
  expect(await json('wait')).toMatchObject({ exitCode: 0, heldBack: ['0002_drop_name'] });
  expect((await run('wait')).stdout).toMatch(/^Everything but contract migrations is applied to test_/);
  expect(await json('wait --all --timeout 1ms')).toMatchObject({ exitCode: 3, error: { code: 'LS405' } });
  await json('up');
  expect((await run('wait --all')).stdout).toMatch(/^Everything is applied to test_/);
});

describe('down', { timeout: 90_000 }, () => {
  it('--run takes back just what one run applied', async () => {
    const { name, run, json } = await site();
    await json('up --to 1');
    await json('up --phase expand');
    const { entries } = await json('history');
    const [first, second] = entries.map((e: { runId: string }) => e.runId);
    expect(await json(`down --run ${first}`)).toMatchObject({ exitCode: 1, error: { code: 'LS512' } });
    expect((await run(`down --run ${second}`)).stdout).toBe(
      `Reverted 1 migration in ${name}:\n  0003_notes\n`,
    );
    expect((await run(`down --run ${second}`)).stdout).toBe(`Nothing to revert in ${name}.\n`);
    expect(await json('down --run nobody')).toMatchObject({ exitCode: 2, error: { code: 'LS504' } });
  });

  it('wants to be told once how much', async () => {
    const { json } = await site();
    for (const args of ['down', 'down -1 --to 1', 'down -1 --run x', 'down --to 1 --run x'])
      expect(await json(args)).toMatchObject({ exitCode: 2, error: { code: 'LS101' } });
  });

  it.each([
    ['an older checkout', { '0001_accounts.sql': FILES['0001_accounts.sql'] }],
    ['no migrations at all', undefined],
  ])('works from %s: the ledger has the down scripts', async (_, files) => {
    const { json } = await site();
    await json('up --phase expand');
    const migrations = files ? await folderWith(files) : '/nowhere';
    expect(await json('down -1', migrations)).toMatchObject({ exitCode: 0, reverted: ['0003_notes'] });
    const [{ runId }] = (await json('history', migrations)).entries;
    expect(await json(`down --run ${runId}`, migrations)).toMatchObject({ reverted: ['0001_accounts'] });
  });
});
