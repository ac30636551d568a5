/** Errors of what is between Lockstep and its database, each from its text to a run that is fine. */
import { expect, onTestFinished, test } from 'vitest';
import type { ErrorCode } from '../../lib/core/errors/index.ts';
import { startPostgresServer } from '../../lib/local/index.ts';
import { folderWith } from '../cli/command-line.ts';
import { renumberingPooler, sharingPooler } from '../support/poolers.ts';
import { queryRows } from '../support/postgres.ts';
import { call, expectError, says, type Walk, type Ward, walk } from './ward.ts';

const FIRST = { '0001_accounts.sql': 'CREATE TABLE accounts (id bigint PRIMARY KEY);\n' };

const other = (url: string, changes: Partial<Pick<URL, 'port' | 'pathname'>>): string =>
  Object.assign(new URL(url), changes).href;

/** Of a database that is not there; what is made under it goes with the test. */
function missing({ url, name }: Ward): string {
  onTestFinished(
    async () => void (await queryRows(url, `DROP DATABASE IF EXISTS ${name}_made WITH (FORCE)`)),
  );
  return other(url, { pathname: `/${name}_made` });
}

const WALKS = {
  LS304: {
    fault: async (ward) => {
      await ward.put(FIRST);
      const port = await sharingPooler(ward.url, (transaction) => (transaction % 2 === 0 ? 0 : 1));
      return ward.run('up', { url: other(ward.url, { port: String(port) }) });
    },
    heal: async () => says('LS304', 'give the direct address of the server'),
  },
  LS310: {
    fault: async (ward) => {
      await ward.put(FIRST);
      const port = await renumberingPooler(ward.url);
      return ward.run('up --create-database', { url: other(missing(ward), { port: String(port) }) });
    },
    heal: async (ward) => {
      says('LS310', "give the server's direct address");
      await ward.done('up --create-database', { url: missing(ward) });
    },
  },
} as const satisfies Partial<Record<ErrorCode, Walk>>;

test.each(Object.entries(WALKS))('%s', (code, way) => walk(code as ErrorCode, way));

test('LS311, by making the database oneself', async () => {
  const server = await startPostgresServer();
  onTestFinished(server.stop);
  const admin = (sql: string) => queryRows(server.url('postgres'), sql);
  await admin(`CREATE ROLE app LOGIN CREATEDB PASSWORD 'word'`);
  await admin('REVOKE CONNECT ON DATABASE postgres, template1 FROM PUBLIC');
  const login = Object.assign(new URL(server.url('orders')), { username: 'app', password: 'word' });
  const up = ['up', '--create-database', '--migrations', await folderWith(FIRST)];
  expectError('LS311', await call(up, { url: login.href }));
  says('LS311', 'create the database yourself with the role as its owner, then run the same command again');
  await admin('CREATE DATABASE orders OWNER app');
  expect(await call(up, { url: login.href })).toMatchObject({ exitCode: 0 });
});
