/** What is typed behind `--` may hold a password: neither an error nor the name that is recorded repeats it. */
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { describe, expect, onTestFinished, test } from 'vitest';
import { foreignCommand } from '../../lib/adapters/process/foreign-command.ts';

const commandOf = (program: string, env: NodeJS.ProcessEnv = process.env) =>
  foreignCommand({ argv: [program], env, output: 'stderr' });

describe('a first word that is no program is refused, and not repeated', () => {
  test.each([
    ['a whole line in quotes', 'psql postgres://app:s3cr3t@db/orders -f x.sql'],
    ['a line whose last part has the password', 'psql -d postgres://app:s3cr3t@db'],
    ['a variable', 'PGPASSWORD=s3cr3t'],
    ['an address', 'postgres://app:s3cr3t@db'],
    ['an option', '--password=s3cr3t'],
  ])('%s', (_, program) => {
    let thrown: unknown;
    try {
      commandOf(program);
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toMatchObject({ code: 'LS102', remedy: expect.stringContaining('separate words') });
    expect(inspect(thrown, { depth: null })).not.toContain('s3cr3t');
  });

  test('but a program that is there may have blanks, in its folder or in PATH', () => {
    const folder = mkdtempSync(join(tmpdir(), 'lockstep test '));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    writeFileSync(join(folder, 'my migrator'), '#!/bin/sh\n');
    chmodSync(join(folder, 'my migrator'), 0o755);
    expect(commandOf(join(folder, 'my migrator')).name).toBe('my migrator');
    expect(commandOf('my migrator', { PATH: `/nowhere:${folder}` }).name).toBe('my migrator');
    expect(() => commandOf('my migrator', { PATH: '/nowhere' })).toThrow('LS102');
  });
});

test('a program that cannot be started is told with the code alone', async () => {
  const failure = await commandOf('/nowhere/s3cr3t/psql')
    .start({})
    .catch((error: unknown) => error);
  expect(failure).toMatchObject({ code: 'LS803', what: 'psql could not be started: ENOENT.' });
  expect(inspect(failure, { depth: null })).not.toMatch(/s3cr3t|spawnargs/);
  await expect(commandOf('/').start({})).rejects.toMatchObject({ what: expect.stringContaining('EACCES') });
});
