/** `rehearse`, and `plan --rehearsal`, on a copy that is given. One that the command makes: base-backup.suite.ts. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import pg from 'pg';
import { describe, expect, onTestFinished, test } from 'vitest';
import { startPostgresServer } from '../../lib/local/index.ts';
import { queryRows } from '../support/postgres.ts';
import { folderWith, lockstep } from './command-line.ts';
import { applied, FILES, type Place, place, server } from './rehearse-place.ts';

describe('on a copy that is given', () => {
  async function copied(from: Place): Promise<string> {
    await queryRows(server.url('postgres'), `CREATE DATABASE ${from.name}_copy TEMPLATE ${from.name}`);
    return server.url(`${from.name}_copy`);
  }

  test('what was measured is printed, kept, and shown in the plan, for as long as it is of this plan', async () => {
    const here = await place();
    const copy = await copied(here);
    const out = join(here.folder, 'rehearsal.json');
    const ended = await here.run('rehearse', '--on', copy, '--max-duration', '1h', '--out', out, '--json');
    expect(ended.exitCode, ended.stderr).toBe(0);
    const document = JSON.parse(ended.stdout);
    const { rehearsal } = document;
    expect(document.slowest).toEqual([]);
    expect(rehearsal).toMatchObject({
      layout: 1,
      target: 'orders',
      copy: 'given',
      verdict: 'within-budget',
      budget: { maxDurationMs: 3_600_000, maxBlockedMs: null },
      excesses: [],
      error: null,
      steps: [
        { migration: '0002_note', locks: [{ relation: 'public.orders', mode: 'ACCESS EXCLUSIVE', line: 1 }] },
      ],
    });
    expect(rehearsal.durationMs).toBeGreaterThanOrEqual(300);
    expect(JSON.parse(await readFile(out, 'utf8'))).toEqual(document);
    expect([await applied(here.url), await applied(copy)]).toEqual([1, 2]);

    const plan = () => here.run('plan', '--rehearsal', out);
    const now = await plan();
    expect(now.stdout).toMatch(/^ {4}rehearsed: [\d.]+ m?s$/m);
    expect(now.stdout).toMatch(
      /^ {6}ACCESS EXCLUSIVE on public\.orders \(8\.0 KiB\) for at most [\d.]+ m?s, line 1$/m,
    );
    expect(now.stdout).not.toContain('Not of this plan');
    const json = JSON.parse((await here.run('plan', '--rehearsal', out, '--json')).stdout);
    expect(json).toMatchObject({ outcome: 'pending', rehearsal: { at: rehearsal.at, mismatches: [] } });

    await queryRows(here.url, 'DELETE FROM lockstep.entry');
    expect((await plan()).stdout).toContain('Not of this plan: the database was migrated since');
  });

  test('above a limit the command fails, with nothing done to the database, and tells why', async () => {
    const here = await place();
    const out = join(here.folder, 'rehearsal.json');
    const args = ['--on', await copied(here), '--max-duration', '200ms', '--max-blocked', '150ms'];
    const ended = await here.run('rehearse', ...args, '--out', out);
    expect(ended.exitCode).toBe(1);
    expect(ended.stderr).toMatch(
      /^Error LS743: .* it takes [\d.]+ m?s, longer than 200 ms \(and 2 more\)\.$/m,
    );
    expect(ended.stdout).toMatch(/^ {2}0002_note keeps readers of public\.orders waiting for [\d.]+ m?s/m);
    expect(JSON.parse(await readFile(out, 'utf8'))).toMatchObject({ rehearsal: { verdict: 'over-budget' } });
    expect(await applied(here.url)).toBe(1);
    expect((await here.run('plan', '--rehearsal', out)).stdout).toContain('Over the budget:');
  });

  test('a migration that fails is told with its place, and kept as failed', async () => {
    const here = await place({ ...FILES, '0003_wrong.sql': 'ALTER TABLE orders\n  ADD note text;\n' });
    const ended = await here.run('rehearse', '--on', await copied(here), '--json');
    expect(ended.exitCode).toBe(1);
    expect(JSON.parse(ended.stdout)).toMatchObject({
      rehearsal: { verdict: 'failed', steps: [{ migration: '0002_note' }], error: { code: 'LS601' } },
      error: { code: 'LS742', position: { file: '0003_wrong.sql', line: 1 }, context: { code: 'LS601' } },
    });
    expect(await applied(here.url)).toBe(1);
  });

  test('the address may come from the environment; the database itself is refused', async () => {
    const here = await place();
    const env = { DATABASE_URL: here.url, LOCKSTEP_REHEARSE_ON: here.url };
    const ended = await lockstep(['rehearse', '--migrations', here.folder], env);
    expect(ended).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('Error LS741') });
    expect(await applied(here.url)).toBe(1);
  });

  test('settings that are not understood are told at once, and so is a file that is no result', async () => {
    const here = await place();
    const wrong = await here.run(
      'rehearse',
      '--on',
      'mysql://x',
      '--max-blocked',
      '2',
      '--max-duration',
      '0s',
    );
    expect(wrong.exitCode).toBe(2);
    expect(wrong.stderr).toMatch(/postgres:\/\/.*--max-duration 0s.*--max-blocked 2 /);
    const file = join(here.folder, '0001_orders.sql');
    expect((await here.run('plan', '--rehearsal', file)).stderr).toContain('Error LS744');
    expect((await here.run('plan', '--rehearsal', `${file}.not`)).stderr).toContain('Error LS103');
  });
});

describe('on a base backup', () => {
  test('is not made by a login that may not', async () => {
    const here = await place();
    const base = server.url('postgres');
    await queryRows(
      base,
      `CREATE ROLE plain LOGIN PASSWORD 'word'; ALTER DATABASE ${here.name} OWNER TO plain`,
    );
    const url = Object.assign(new URL(here.url), { username: 'plain', password: 'word' }).href;
    const ended = await lockstep(['rehearse', '--migrations', here.folder], { DATABASE_URL: url });
    expect(ended).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('Error LS740') });
  });
});

test('a server with tablespaces of its own is not copied, which would share them', async () => {
  const own = await startPostgresServer();
  onTestFinished(own.stop);
  const client = new pg.Client(own.url('postgres'));
  await client.connect();
  await client.query('SET allow_in_place_tablespaces = on');
  await client.query("CREATE TABLESPACE side LOCATION ''");
  await client.end();
  const folder = await folderWith(FILES);
  const ended = await lockstep(['rehearse', '--migrations', folder], { DATABASE_URL: own.url('postgres') });
  expect(ended).toMatchObject({ exitCode: 1, stderr: expect.stringMatching(/Error LS740.*tablespaces/) });
});
