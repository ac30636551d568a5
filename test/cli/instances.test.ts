import { describe, expect, it } from 'vitest';
import { folderWith, lockstep } from './command-line.ts';
import { databaseForTest } from './database-content.ts';

const RELEASE_1 = { '0001_people.sql': 'CREATE TABLE people (id bigint, nom text);\n' };
const RELEASE_2 = { ...RELEASE_1, '0002_drop_nom.contract.sql': 'ALTER TABLE people DROP COLUMN nom;\n' };

async function site() {
  const { url } = await databaseForTest();
  const folders = { old: await folderWith(RELEASE_1), new: await folderWith(RELEASE_2) };
  const run = (args: string, release: keyof typeof folders = 'new') =>
    lockstep([...args.split(' '), '--migrations', folders[release]], { DATABASE_URL: url });
  const json = async (args: string, release?: keyof typeof folders) => {
    const ended = await run(`${args} --json`, release);
    return { exitCode: ended.exitCode, ...JSON.parse(ended.stdout) };
  };
  return { run, json };
}

/** Each is several processes, which take their time on a machine with other work. */
describe('instances', { timeout: 90_000 }, () => {
  it('are added by the deployer, before the first run, too, and listed', async () => {
    const { run, json } = await site();
    expect((await run('instances list')).stdout).toMatch(
      /^No instance of an app is recorded in test_\w+\.\n$/,
    );
    expect((await run('instances add blue --head 0001')).stdout).toBe(
      'Recorded blue with head 0001, until `lockstep instances remove blue`.\n',
    );
    expect((await run('instances list')).stdout).toMatch(/^blue {2}head 0001 {2}recorded \S+Z {2}alive\n$/);
    expect(await json('instances add blue --head x')).toMatchObject({
      exitCode: 2,
      error: { code: 'LS101' },
    });
  });

  it('are replaced by one of the same name, by default with the head of the files, and removed', async () => {
    const { run, json } = await site();
    await json('instances add blue --head 1');
    expect(await json('instances add blue')).toMatchObject({ exitCode: 0, name: 'blue', head: '0002' });
    expect((await json('instances list')).instances).toMatchObject([
      { name: 'blue', source: 'deployer', head: '0002', contracts: ['0002'], alive: true },
    ]);
    expect((await run('instances remove blue')).stdout).toBe('Removed 1 record of blue.\n');
    expect(await json('instances remove blue')).toMatchObject({ exitCode: 0, removed: 0 });
  });

  it('keep plan and up from contract, and status says so', async () => {
    const { run, json } = await site();
    await json('instances add blue', 'old');
    await json('up', 'old');
    const refused = { exitCode: 1, error: { code: 'LS510', context: { revision: '0002', instances: 1 } } };
    const [plan, status, ...both] = await Promise.all([
      run('plan'),
      run('status'),
      ...['plan', 'up --phase contract'].map((args) => json(args)),
    ]);
    expect(both).toMatchObject([refused, refused]);
    expect(plan.stdout).toMatch(/^ {2}needed +0002_drop_nom$/m);
    expect(status.stdout).toMatch(/^Next +0002_drop_nom takes away .* blue \(head 0001/m);
  });

  it('can be passed by force, which status shows', async () => {
    const { run, json } = await site();
    await json('instances add blue', 'old');
    expect(await json('up --force-contract')).toMatchObject({
      exitCode: 0,
      applied: ['0001_people', '0002_drop_nom'],
    });
    expect((await run('status')).stdout).toMatch(
      /^Last run .*; contracted by force past blue \(head 0001, by the deployer's word\)$/m,
    );
  });
});
