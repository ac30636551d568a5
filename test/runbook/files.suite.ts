/** Errors of the command line and of files, each from its text to a run that is fine. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { commandFile } from '../../lib/build/one-file.ts';
import type { ErrorCode } from '../../lib/core/errors/index.ts';
import { folderWith, lockstep, startProgram } from '../cli/command-line.ts';
import { expectError, type Files, says, type Walk, walk } from './ward.ts';

const ACCOUNTS = 'CREATE TABLE accounts (id bigint PRIMARY KEY, name text);\n';
const FIRST = { '0001_accounts.sql': ACCOUNTS };

/** A file that is refused, and the same one corrected. */
const corrected = (wrong: Files, right: Files): Walk => ({
  fault: async (ward) => {
    await ward.put({ ...FIRST, ...wrong });
    return ward.run('up');
  },
  heal: async (ward) => {
    for (const file of Object.keys(wrong)) if (!(file in right)) await ward.remove(file);
    await ward.put(right);
  },
});

const renamed = (wrong: Files, from: string, to: string): Walk => ({
  ...corrected(wrong, {}),
  heal: (ward) => ward.rename(from, to),
});

const WALKS = {
  LS101: {
    fault: async (ward) => {
      await ward.put(FIRST);
      return ward.run('up --migratons x');
    },
    heal: (ward) => ward.printed('LS101', 'lockstep COMMAND --help', { COMMAND: 'up' }),
  },
  LS102: {
    fault: async (ward) => {
      await ward.put(FIRST);
      return ward.run('up --wait-timeout 30');
    },
    heal: async () => undefined,
    again: 'up --wait-timeout 30s',
  },
  LS103: {
    fault: async (ward) => {
      await ward.put(FIRST);
      return ward.run('up --migrations ./nowhere');
    },
    heal: async () => undefined,
  },
  LS201: renamed({ 'add_email.sql': 'SELECT 1;' }, 'add_email.sql', '0002_add_email.sql'),
  LS202: {
    ...renamed(
      { '0002_a.sql': 'CREATE TABLE a ();', '0002_b.sql': 'CREATE TABLE b ();' },
      '0002_b.sql',
      '0003_b.sql',
    ),
    heal: async (ward) => {
      await ward.printed('LS202', 'lockstep history');
      await ward.rename('0002_b.sql', '0003_b.sql');
    },
  },
  LS203: corrected(
    { '0002_city.sql': Buffer.from("SELECT 'Zürich';\n", 'latin1') },
    { '0002_city.sql': "SELECT 'Zürich';\n" },
  ),
  LS204: corrected({ '0002_a.sql': 'CREATE TABEL a ();' }, { '0002_a.sql': 'CREATE TABLE a ();' }),
  LS205: corrected(
    { '0002_a.sql': 'CREATE TABLE a ();\nCOMMIT;\n' },
    { '0002_a.sql': 'CREATE TABLE a ();\n' },
  ),
  LS206: {
    fault: (ward) => ward.run('up'),
    heal: (ward) => ward.done('new accounts'),
  },
  LS207: corrected(
    { '0002_a.sql': '-- lockstep: lock-timeout=2\nCREATE TABLE a ();\n' },
    { '0002_a.sql': '-- lockstep: lock-timeout=2s\nCREATE TABLE a ();\n' },
  ),
  LS208: corrected(
    { '0002_a.sql': 'DISCARD ALL;\nCREATE TABLE a ();\n' },
    { '0002_a.sql': 'CREATE TABLE a ();\n' },
  ),
  LS209: {
    fault: async (ward) => {
      await ward.put(FIRST);
      const bundle = join(ward.folder, 'bundle.json');
      await ward.done(`bundle --out ${bundle}`);
      await writeFile(bundle, (await readFile(bundle, 'utf8')).replace('accounts (', 'account ('));
      return ward.run(`up --bundle ${bundle}`);
    },
    heal: (ward) => ward.done(`bundle --out ${join(ward.folder, 'bundle.json')}`),
  },
  LS210: renamed(
    { '0001_account.down.sql': 'DROP TABLE accounts;' },
    '0001_account.down.sql',
    '0001_accounts.down.sql',
  ),
  LS211: corrected(
    { 'R_sums.sql': 'CREATE INDEX CONCURRENTLY sums ON accounts (name);\n' },
    { '0002_sums.sql': 'CREATE INDEX CONCURRENTLY sums ON accounts (name);\n' },
  ),
  LS213: corrected(
    { '0002_fill.sql': `INSERT INTO accounts VALUES (1, '${'x'.repeat(8 * 1024 * 1024)}');\n` },
    { '0002_fill.sql': "INSERT INTO accounts SELECT n, repeat('x', 99) FROM generate_series(1, 9) n;\n" },
  ),
} as const satisfies Partial<Record<ErrorCode, Walk>>;

test.each(Object.entries(WALKS))('%s', (code, way) => walk(code as ErrorCode, way));

test('LS104, with a checkout', async () => {
  const root = join(import.meta.dirname, '..', '..');
  const outdir = await folderWith({});
  const installed = join(outdir, 'lockstep.cjs');
  await writeFile(installed, commandFile(root, 'lib/cli/index.ts', { outdir, version: '0.0.0' }).text);
  const dev = ['dev', '--scenario', 'success'];
  expectError('LS104', await startProgram(installed, dev).ended);
  says('LS104', '`npm ci && npm start` in a checkout');
  expect(await lockstep(dev)).toMatchObject({ exitCode: 0 });
});
