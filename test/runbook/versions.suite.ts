/**
 * Errors of a Lockstep and a ledger or a server that are not of its age. The other Lockstep is this one, in a process with
 * the constant that counts changed.
 */
import { expect, onTestFinished, test } from 'vitest';
import { startPostgresServer } from '../../lib/local/index.ts';
import { folderWith } from '../cli/command-line.ts';
import type { Edit } from '../faults/edit.ts';
import { FaultyProcess } from '../faults/faulty-process.ts';
import { createDatabase } from '../support/postgres.ts';
import { testServers } from '../support/servers.ts';
import { call, expectError, says } from './ward.ts';

const FIRST = { '0001_accounts.sql': 'CREATE TABLE accounts (id bigint PRIMARY KEY);\n' };
const SECOND = { ...FIRST, '0002_note.sql': 'ALTER TABLE accounts ADD note text;\n' };
const inPostgres = (file: string, find: string, replace: string): Edit => ({
  file: `lib/adapters/postgres/${file}`,
  find,
  replace,
});

const up = async (files: Readonly<Record<string, string>>) => [
  'up',
  '--json',
  '--migrations',
  await folderWith(files),
];

test('LS307, by using the newer version', async () => {
  const newer = [inPostgres('ledger-layout.ts', 'const LAYOUT = 1;', 'const LAYOUT = 2;')];
  const database = await createDatabase();
  onTestFinished(database.drop);
  const byNewer = async (files: Readonly<Record<string, string>>) => {
    const env = { DATABASE_URL: database.url };
    const start = {
      program: 'lockstep',
      args: await up(files),
      env,
      edits: newer,
      fault: undefined,
    } as const;
    return (await new FaultyProcess(start).ended).output.applied;
  };
  expect(await byNewer(FIRST)).toEqual(['0001_accounts']);
  expectError('LS307', await call(await up(SECOND), database));
  says('LS307', 'use the newer version, here too');
  expect(await byNewer(SECOND)).toEqual(['0002_note']);
});

test('LS309, by the address of the right server', async () => {
  const { binaries } = testServers(undefined).others[0]!;
  const server = await startPostgresServer({ binaries });
  onTestFinished(server.stop);
  const right = await createDatabase();
  onTestFinished(right.drop);
  // A Lockstep that has left that server's release behind.
  const edits = [
    inPostgres(
      'connect.ts',
      'const LEAST_SERVER_VERSION = 140_000;',
      'const LEAST_SERVER_VERSION = 180_000;',
    ),
  ];
  const upOn = async (url: string) => {
    const env = { DATABASE_URL: url };
    const start = { program: 'lockstep', args: await up(FIRST), env, edits, fault: undefined } as const;
    return new FaultyProcess(start).ended;
  };
  expect(await upOn(server.url('postgres'))).toMatchObject({
    exitCode: 1,
    output: { error: { code: 'LS309' } },
  });
  says('LS309', 'check whether the address is that of the right one');
  expect((await upOn(right.url)).output.applied).toEqual(['0001_accounts']);
});
