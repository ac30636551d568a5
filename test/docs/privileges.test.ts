import { randomUUID } from 'node:crypto';
import { afterEach, beforeEach, expect, inject, test } from 'vitest';
import { waitForSchema } from '../../lib/gate.ts';
import { folderWith, lockstep } from '../cli/command-line.ts';
import { createDatabase, queryRows, type TestDatabase } from '../support/postgres.ts';
import { codeBlocks } from './markdown.ts';

const [setUp = '', mayMakeSchema = '', handOver = ''] = codeBlocks('docs/privileges.md', 'sql');
const PASSWORD = 'change this';

/** Roles belong to the server: each test has names of its own. */
let suffix: string;
let database: TestDatabase;
let administrator: string;

const named = (sql: string): string =>
  sql
    .replaceAll(/\borders_(migrator|app|old)\b/g, `$1_${suffix}`)
    .replaceAll(/\bDATABASE orders\b/g, `DATABASE ${database.name}`);

function urlAs(user: string, password: string): string {
  const url = new URL(database.url);
  return Object.assign(url, { username: user, password }).href;
}
const urlOf = (role: 'migrator' | 'app'): string =>
  urlAs(`${role}_${suffix}`, role === 'app' ? 'change this, too' : PASSWORD);

beforeEach(async () => {
  suffix = randomUUID().replaceAll('-', '');
  database = await createDatabase();
  // As on a managed service: no superuser, but owner of the database and allowed to make roles.
  await queryRows(
    database.url,
    `CREATE ROLE admin_${suffix} LOGIN CREATEROLE PASSWORD '${PASSWORD}'; ALTER DATABASE ${database.name} OWNER TO admin_${suffix}`,
  );
  administrator = urlAs(`admin_${suffix}`, PASSWORD);
});

afterEach(async () => {
  const roles = await queryRows<{ rolname: string }>(
    database.url,
    `SELECT rolname FROM pg_roles WHERE rolname LIKE '%${suffix}'`,
  );
  await queryRows(database.url, `ALTER DATABASE ${database.name} OWNER TO CURRENT_USER`);
  for (const { rolname } of roles) await queryRows(database.url, `DROP OWNED BY ${rolname} CASCADE`);
  await database.drop();
  for (const { rolname } of roles) await queryRows(inject('postgresUrl'), `DROP ROLE ${rolname}`);
});

const FILES = {
  '0001_create_notes.sql':
    'CREATE TABLE notes (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, body text NOT NULL);\n',
  '0002_index_notes.sql': 'CREATE INDEX CONCURRENTLY notes_by_body ON notes (body);\n',
  '0002_index_notes.down.sql': 'DROP INDEX CONCURRENTLY notes_by_body;\n',
  '0003_add_author.sql': 'ALTER TABLE notes ADD COLUMN author text;\n',
  '0003_add_author.down.sql': 'ALTER TABLE notes DROP COLUMN author;\n',
};

test('the migrator applies and reverts with what the page grants, and the app uses the tables', async () => {
  const folder = await folderWith(FILES);
  await queryRows(administrator, named(setUp));
  const migrator = { DATABASE_URL: urlOf('migrator') };
  expect(await lockstep(['up', '--migrations', folder], migrator)).toMatchObject({ exitCode: 0 });
  const [note] = await queryRows(urlOf('app'), `INSERT INTO notes (body) VALUES ('first') RETURNING body`);
  expect(note).toEqual({ body: 'first' });
  expect(await lockstep(['down', '-2', '--migrations', folder], migrator)).toMatchObject({ exitCode: 0 });
});

test("the app's role may wait for the schema, before it is there and after, and may not write the ledger", async () => {
  const folder = await folderWith(FILES);
  await queryRows(administrator, named(setUp));
  const app = { DATABASE_URL: urlOf('app') };
  const waiting = lockstep(['wait', '--migrations', folder, '--timeout', '30s'], app);
  const up = await lockstep(['up', '--migrations', folder], { DATABASE_URL: urlOf('migrator') });
  expect([up, await waiting]).toMatchObject([{ exitCode: 0 }, { exitCode: 0 }]);
  expect(await lockstep(['status', '--migrations', folder], app)).toMatchObject({ exitCode: 0 });
  for (const write of ['UPDATE lockstep.fence SET token = 0', 'DELETE FROM lockstep.instance']) {
    await expect(queryRows(urlOf('app'), write)).rejects.toMatchObject({ code: '42501' });
  }
});

test("the app's role may record its own instance, and take it away again", async () => {
  const migrations = await folderWith(FILES);
  await queryRows(administrator, named(setUp));
  await lockstep(['up', '--migrations', migrations], { DATABASE_URL: urlOf('migrator') });
  const { leave } = await waitForSchema({ migrations, databaseUrl: urlOf('app') });
  const recorded = () => queryRows(database.url, 'SELECT head FROM lockstep.instance');
  expect(await recorded()).toEqual([{ head: '0003' }]);
  await leave();
  expect(await recorded()).toEqual([]);
});

test('without the schema the first run needs the right to make it, and no more', async () => {
  const folder = await folderWith(FILES);
  const withoutSchema = setUp
    .replace(/CREATE SCHEMA lockstep.*\n/, '')
    .replace('SCHEMA lockstep, app', 'SCHEMA app')
    .replace(/ALTER DEFAULT PRIVILEGES.*SCHEMA lockstep.*\n/, '');
  await queryRows(administrator, named(withoutSchema));
  const migrator = { DATABASE_URL: urlOf('migrator') };
  const refused = await lockstep(['up', '--migrations', folder, '--json'], migrator);
  expect(JSON.parse(refused.stdout)).toMatchObject({ error: { code: 'LS306' } });
  await queryRows(administrator, named(mayMakeSchema));
  expect(await lockstep(['up', '--migrations', folder], migrator)).toMatchObject({ exitCode: 0 });
});

test("a table of another role can be changed once it is the migrator's", async () => {
  const folder = await folderWith({ '0001_add_age.sql': 'ALTER TABLE people ADD COLUMN age int;\n' });
  await queryRows(administrator, named(setUp));
  await queryRows(
    administrator,
    named(`CREATE ROLE orders_old; GRANT orders_old TO CURRENT_USER; GRANT CREATE, USAGE ON SCHEMA app TO orders_old;
      SET ROLE orders_old; CREATE TABLE app.people (name text)`),
  );
  const migrator = { DATABASE_URL: urlOf('migrator') };
  const refused = await lockstep(['up', '--migrations', folder, '--json'], migrator);
  expect(JSON.parse(refused.stdout)).toMatchObject({
    error: { code: 'LS601', context: { sqlstate: '42501' } },
  });
  await queryRows(administrator, named(handOver));
  expect(await lockstep(['up', '--migrations', folder], migrator)).toMatchObject({ exitCode: 0 });
});
