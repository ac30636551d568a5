import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, inject, onTestFinished, test } from 'vitest';
import { queryRows } from '../support/postgres.ts';
import { codeBlocks } from './markdown.ts';

const [making = '', schema = '', several = ''] = codeBlocks('docs/servers.md', 'sh');
const COMMAND = join(import.meta.dirname, '..', '..', 'bin', 'lockstep.ts');
const maintenance = new URL(inject('postgresUrl'));

/** The page's names of databases, as names of this test's own. */
function named(...names: string[]): (text: string) => string {
  const suffix = randomUUID().slice(0, 8);
  const own = (name: string) => `${name}_${suffix}`;
  onTestFinished(async () => {
    for (const name of names) {
      await queryRows(maintenance.href, `DROP DATABASE IF EXISTS ${own(name)} WITH (FORCE)`);
    }
  });
  return (text) =>
    names.reduce((given, name) => given.replaceAll(new RegExp(`\\b${name}\\b`, 'g'), own(name)), text);
}

const urlOf = (database: string): string =>
  Object.assign(new URL(maintenance), { pathname: `/${database}` }).href;

/** As somebody runs it who has `lockstep` on the path and a folder `migrations`. */
async function runInShell(script: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'lockstep-docs-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  await mkdir(join(folder, 'migrations'));
  await writeFile(join(folder, 'migrations', '0001_a.sql'), 'CREATE TABLE a ();\n');
  const given = `postgres://${maintenance.username}:${maintenance.password}@${maintenance.host}/`;
  const lockstep = `lockstep() { '${process.execPath}' '${COMMAND}' "$@"; }`;
  const { stdout } = await promisify(execFile)(
    'sh',
    ['-eu', '-c', `${lockstep}\n${script.replaceAll(/postgres:\/\/\w+@localhost\//g, given)}`],
    { cwd: folder },
  );
  return stdout;
}

test('the database is made and migrated', async () => {
  const own = named('orders');
  const script = own(making.replace('orders@', 'login@'));
  expect(await runInShell(script)).toContain('Applied 1 migration');
  expect(await runInShell(script)).toContain('Nothing to apply');
});

test("the URL's search_path is where tables are made", async () => {
  const own = named('orders');
  await queryRows(maintenance.href, own('CREATE DATABASE orders'));
  await queryRows(urlOf(own('orders')), 'CREATE SCHEMA app');
  await runInShell(own(schema.replace('orders@', 'login@')));
  expect(await queryRows(urlOf(own('orders')), "SELECT to_regclass('app.a') IS NOT NULL AS there")).toEqual([
    { there: true },
  ]);
});

test('several databases are migrated at once', async () => {
  const own = named('shop_eu', 'shop_us');
  for (const name of ['shop_eu', 'shop_us'])
    await queryRows(maintenance.href, own(`CREATE DATABASE ${name}`));
  const output = await runInShell(own(several));
  for (const name of ['shop_eu', 'shop_us']) expect(output).toContain(`Applied 1 migration to ${own(name)}`);
});
