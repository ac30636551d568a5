import { describe, expect, it } from 'vitest';
import { closedPort } from '../support/closed-port.ts';
import { queryRows, type TestDatabase } from '../support/postgres.ts';
import { type Ended, folderWith, lockstep } from './command-line.ts';
import { contentOf, databaseForTest } from './database-content.ts';

const ACCOUNTS = 'CREATE TABLE accounts (id bigint PRIMARY KEY);\n';
const NOTES = 'CREATE TABLE notes (id bigint PRIMARY KEY);\n';
const AUDIT = 'CREATE TABLE audit (id bigint PRIMARY KEY);\n';

interface Refusal {
  readonly code: string;
  readonly exitCode: number;
  readonly says: RegExp;
}

/** The code once, then what happened, what is true of the database, and what to do: and no stack trace. */
function expectRefusal({ exitCode, stdout, stderr }: Ended, refusal: Refusal): void {
  expect(stderr).toMatch(new RegExp(`^Error ${refusal.code}: \\S.*\\.$`, 'm'));
  expect(stderr).toMatch(/^State: \S.*\.$/m);
  expect(stderr).toMatch(/^Next: {2}\S.*\.$/m);
  expect(stderr).toMatch(refusal.says);
  expect(stderr).not.toMatch(/^\s+at /m);
  expect(stdout).toBe('');
  expect(exitCode).toBe(refusal.exitCode);
}

/** Runs `up` and expects the refusal, and the database to be as it was. */
async function expectUpRefused(
  database: TestDatabase,
  files: Readonly<Record<string, string | Uint8Array>>,
  refusal: Refusal,
  url = database.url,
): Promise<Ended> {
  const before = await contentOf(database.url);
  const ended = await lockstep(['up', '--migrations', await folderWith(files)], { DATABASE_URL: url });
  expectRefusal(ended, refusal);
  expect(await contentOf(database.url)).toEqual(before);
  return ended;
}

async function applyFirst(database: TestDatabase, files: Readonly<Record<string, string>>): Promise<void> {
  const ended = await lockstep(['up', '--migrations', await folderWith(files)], {
    DATABASE_URL: database.url,
  });
  expect(ended).toMatchObject({ exitCode: 0 });
}

describe('the command line refuses, says why, and changes nothing', () => {
  it('for an unknown flag, with the one that was probably meant', async () => {
    const database = await databaseForTest();
    const before = await contentOf(database.url);
    const ended = await lockstep(['up', '--migratons', 'x'], { DATABASE_URL: database.url });
    expectRefusal(ended, { code: 'LS101', exitCode: 2, says: /--migratons.*did you mean --migrations\?/ });
    expect(await contentOf(database.url)).toEqual(before);
  });

  it('for a database that does not answer', async () => {
    const migrations = await folderWith({ '0001_accounts.sql': ACCOUNTS });
    const port = await closedPort();
    const url = `postgres://someone:secret-word@127.0.0.1:${port}/shop?connect_timeout=1`;
    const ended = await lockstep(['up', '--migrations', migrations], { DATABASE_URL: url });
    expectRefusal(ended, { code: 'LS301', exitCode: 1, says: new RegExp(`127\\.0\\.0\\.1:${port}`) });
    expect(ended.stderr).not.toContain('secret-word');
  });

  it('for a wrong password', async () => {
    const database = await databaseForTest();
    const url = new URL(database.url);
    url.password = 'not-the-password';
    const files = { '0001_accounts.sql': ACCOUNTS };
    const refusal = { code: 'LS302', exitCode: 1, says: /password/ };
    const ended = await expectUpRefused(database, files, refusal, url.href);
    expect(ended.stderr).not.toContain('not-the-password');
  });

  it('for two files with one revision', async () => {
    const files = { '0001_accounts.sql': ACCOUNTS, '0001_notes.sql': NOTES };
    const refusal = { code: 'LS202', exitCode: 2, says: /0001_accounts\.sql and 0001_notes\.sql/ };
    await expectUpRefused(await databaseForTest(), files, refusal);
  });

  it('for a migration below one that is applied', async () => {
    const database = await databaseForTest();
    const before = { '0001_accounts.sql': ACCOUNTS, '0003_audit.sql': AUDIT };
    await applyFirst(database, before);
    const refusal = { code: 'LS502', exitCode: 4, says: /0002_notes/ };
    await expectUpRefused(database, { ...before, '0002_notes.sql': NOTES }, refusal);
  });

  it('for an applied file that was edited', async () => {
    const database = await databaseForTest();
    await applyFirst(database, { '0001_accounts.sql': ACCOUNTS });
    const edited = { '0001_accounts.sql': ACCOUNTS.replace('bigint', 'integer'), '0002_notes.sql': NOTES };
    await expectUpRefused(database, edited, { code: 'LS501', exitCode: 4, says: /0001_accounts was edited/ });
  });

  it('for a file with a COMMIT of its own, with its place', async () => {
    const files = { '0001_accounts.sql': `${ACCOUNTS}  COMMIT;\n` };
    const refusal = { code: 'LS205', exitCode: 2, says: /0001_accounts\.sql:2:3\n.*2 \| {3}COMMIT;\n\s+\^/ };
    await expectUpRefused(await databaseForTest(), files, refusal);
  });

  it('for a syntax error, with its place, also when files before it are valid', async () => {
    const files = {
      '0001_accounts.sql': ACCOUNTS,
      '0002_notes.sql': 'CREATE TABLE notes (\n  id bigint,,\n);\n',
    };
    const refusal = {
      code: 'LS204',
      exitCode: 2,
      says: /0002_notes\.sql:2:13\n.*2 \| {3}id bigint,,\n\s+\^/,
    };
    await expectUpRefused(await databaseForTest(), files, refusal);
  });

  it('for a file that is not UTF-8', async () => {
    const latin1 = Buffer.from("INSERT INTO cities VALUES ('Zürich');\n", 'latin1');
    const refusal = { code: 'LS203', exitCode: 2, says: /0001_cities\.sql/ };
    await expectUpRefused(await databaseForTest(), { '0001_cities.sql': latin1 }, refusal);
  });

  it('for an empty directory', async () => {
    const refusal = { code: 'LS206', exitCode: 2, says: /no migrations/ };
    await expectUpRefused(await databaseForTest(), { 'README.md': 'nothing here yet' }, refusal);
  });

  it('for a read-only database', async () => {
    const database = await databaseForTest();
    await queryRows(database.url, `ALTER DATABASE ${database.name} SET default_transaction_read_only = on`);
    const refusal = { code: 'LS305', exitCode: 1, says: /read-only/ };
    await expectUpRefused(database, { '0001_accounts.sql': ACCOUNTS }, refusal);
  });

  it('for a login that lacks privileges', async () => {
    const database = await databaseForTest();
    const login = `reader_${database.name}`;
    await queryRows(database.url, `CREATE ROLE ${login} LOGIN PASSWORD 'reader-word'`);
    try {
      const url = new URL(database.url);
      [url.username, url.password] = [login, 'reader-word'];
      const refusal = { code: 'LS306', exitCode: 1, says: /permission denied/ };
      await expectUpRefused(database, { '0001_accounts.sql': ACCOUNTS }, refusal, url.href);
    } finally {
      await queryRows(database.url, `DROP ROLE ${login}`);
    }
  });

  it('for settings, all of them at once', async () => {
    const migrations = await folderWith({ '0001_accounts.sql': ACCOUNTS });
    const given = ['--lease', 'redis://x', '--wait-timeout', '10', '--lease-duration', '1s'];
    const ended = await lockstep(['up', '--migrations', migrations, ...given], {
      DATABASE_URL: 'mysql://someone:secret-word@127.0.0.1/shop',
    });
    expectRefusal(ended, {
      code: 'LS102',
      exitCode: 2,
      says: /postgresql:\/\/.*redis:\/\/x.*--lease-duration 1s.*--wait-timeout 10/,
    });
    expect(ended.stderr).not.toContain('secret-word');
  });

  it('for `down` without a number or a revision', async () => {
    const database = await databaseForTest();
    const ended = await lockstep(['down'], { DATABASE_URL: database.url });
    expectRefusal(ended, { code: 'LS101', exitCode: 2, says: /lockstep down -1/ });
  });
});
