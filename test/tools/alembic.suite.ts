/** Alembic itself, from PyPI, in an environment of its own: `npm run test:alembic`. It says so when it cannot be had. */
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, describe, expect, it } from 'vitest';
import { lockstep } from '../cli/command-line.ts';
import { databaseForTest } from '../cli/database-content.ts';
import { queryRows } from '../support/postgres.ts';

const run = promisify(execFile);

const ENVIRONMENT = `import os
from alembic import context
from sqlalchemy import create_engine
engine = create_engine(os.environ["DATABASE_URL"].replace("postgres://", "postgresql://").replace("postgresql://", "postgresql+psycopg://"))
with engine.connect() as connection:
    context.configure(connection=connection)
    with context.begin_transaction():
        context.run_migrations()
`;
/** Long enough for a second one to come. */
const REVISION = `from alembic import op
revision, down_revision = "0001", None
def upgrade():
    op.execute("SELECT pg_sleep(3)")
    op.execute("CREATE TABLE account (id int)")
`;

async function install(folder: string): Promise<string> {
  await run('python3', ['-m', 'venv', join(folder, 'venv')]);
  await run(join(folder, 'venv/bin/pip'), ['install', '--quiet', 'alembic', 'psycopg[binary]']);
  await mkdir(join(folder, 'db/versions'), { recursive: true });
  await writeFile(join(folder, 'alembic.ini'), `[alembic]\nscript_location = ${join(folder, 'db')}\n`);
  await writeFile(join(folder, 'db/env.py'), ENVIRONMENT);
  await writeFile(join(folder, 'db/versions/0001_account.py'), REVISION);
  return folder;
}

const PROCESSES = Array.from({ length: 10 }, (_, i) => i);

const place = await mkdtemp(join(tmpdir(), 'lockstep-alembic-'));
afterAll(() => rm(place, { recursive: true, force: true }));
const folder = await install(place).catch((error: Error) => error);
if (folder instanceof Error) {
  it(`did not run: ${folder.message.split('\n')[0]}`, () => {
    console.warn(`Alembic was not tested: ${folder.message}`);
  });
} else {
  describe('alembic upgrade head, ten processes at once', () => {
    const command = [join(folder, 'venv/bin/alembic'), '-c', join(folder, 'alembic.ini'), 'upgrade', 'head'];

    it('without exec collides', async () => {
      const { url } = await databaseForTest();
      const env = { ...process.env, DATABASE_URL: url };
      const ended = PROCESSES.map(() => run(command[0]!, command.slice(1), { env }));
      const outcomes = await Promise.allSettled(ended);
      expect(outcomes.map(({ status }) => status)).toContain('rejected');
    }, 180_000);

    it('with exec runs once, and all succeed', async () => {
      const { url } = await databaseForTest();
      const ended = await Promise.all(
        PROCESSES.map(() => lockstep(['exec', '--json', '--', ...command], { DATABASE_URL: url })),
      );
      expect(ended.filter(({ exitCode }) => exitCode !== 0)).toEqual([]);
      expect(ended.flatMap(({ stdout }) => JSON.parse(stdout).histories)).toEqual([
        { tool: 'Alembic', table: 'public.alembic_version', added: ['0001'], removed: [] },
      ]);
      expect(await queryRows(url, 'SELECT version_num FROM alembic_version')).toEqual([
        { version_num: '0001' },
      ]);
    }, 180_000);
  });
}
