import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { text } from 'node:stream/consumers';
import { setImmediate, setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { errorText } from '../../lib/cli/frame/show-error.ts';
import { openTerminal } from '../../lib/cli/frame/terminal.ts';
import { LockstepError } from '../../lib/core/errors/index.ts';
import { folderWith, lockstep } from './command-line.ts';
import { databaseForTest } from './database-content.ts';

const COMMAND = fileURLToPath(new URL('../../bin/lockstep.ts', import.meta.url));

const COMMANDS = [
  'new',
  'bundle',
  'up',
  'down',
  'stamp',
  'baseline',
  'wait',
  'plan',
  'rehearse',
  'repair',
  'verify',
  'doctor',
  'status',
  'history',
  'current',
  'backfill status',
  'backfill pause',
  'backfill resume',
  'instances list',
  'instances add',
  'instances remove',
  'lock status',
  'lock release',
  'dev',
];

describe('help', () => {
  it.each(COMMANDS)('of `%s` has an example and the exit codes, and goes to stdout', async (command) => {
    const ended = await lockstep([...command.split(' '), '--help']);
    expect(ended).toMatchObject({ exitCode: 0, stderr: '' });
    expect(ended.stdout).toContain(`$ lockstep ${command}`);
    expect(ended.stdout).toMatch(/Exit codes: 0 done/);
    expect(ended.stdout).toMatch(/--json/);
  });

  it('is shown on stderr when no command is given, with the exit code 2', async () => {
    const ended = await lockstep([]);
    expect(ended).toMatchObject({ exitCode: 2, stdout: '' });
    for (const command of COMMANDS) expect(ended.stderr).toContain(`  ${command.split(' ')[0]}`);
  });

  it('--version prints the version of the package', async () => {
    expect((await lockstep(['--version'])).stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
  });
});

describe('--json', () => {
  it('gives one document for a failure, too, and nothing for people', async () => {
    const ended = await lockstep(['up', '--json', '--migrations', '/nowhere'], {
      DATABASE_URL: 'postgres://127.0.0.1/x',
    });
    expect(ended).toMatchObject({ exitCode: 2, stderr: '' });
    expect(JSON.parse(ended.stdout)).toEqual({
      error: {
        code: 'LS103',
        name: 'ConfigurationError',
        what: expect.stringContaining('/nowhere'),
        state: expect.any(String),
        remedy: expect.any(String),
        position: null,
        retryable: false,
        exitCode: 2,
        context: { path: '/nowhere' },
      },
    });
  });

  it('gives one for a command line that is not understood', async () => {
    const ended = await lockstep(['down', '--json', '--nonsense']);
    expect(JSON.parse(ended.stdout)).toMatchObject({ error: { code: 'LS101', exitCode: 2 } });
    expect(ended).toMatchObject({ exitCode: 2, stderr: '' });
  });
});

const terminalOf = (env: NodeJS.ProcessEnv, isTTY: boolean) => {
  const stream = Object.assign(new PassThrough(), { isTTY }) as unknown as NodeJS.WriteStream;
  return openTerminal({ stdout: stream, stderr: stream } as never, env);
};

describe('colour', () => {
  it('is for terminals only, and not with NO_COLOR', () => {
    const red = '\u001b[31mx\u001b[39m';
    expect(terminalOf({}, true).err.paint('red', 'x')).toBe(red);
    expect(terminalOf({ NO_COLOR: '' }, true).err.paint('red', 'x')).toBe(red);
    expect(terminalOf({ NO_COLOR: '1' }, true).err.paint('red', 'x')).toBe('x');
    expect(terminalOf({ TERM: 'dumb' }, true).err.paint('red', 'x')).toBe('x');
    expect(terminalOf({}, false).err.paint('red', 'x')).toBe('x');
  });

  it('is not in what a pipe gets', async () => {
    const ended = await lockstep(['up', '--migrations', '/nowhere'], {
      DATABASE_URL: 'postgres://127.0.0.1/x',
    });
    expect(ended.stderr).toMatch(/^Error LS103/);
  });
});

describe('what is said last', () => {
  const terminalTaking = (taken: number) => {
    const stream = new PassThrough({ highWaterMark: 1 });
    const direct: [number, string][] = [];
    const terminal = openTerminal({ stdout: stream, stderr: stream } as never, {}, (file, text) => {
      direct.push([file, text]);
      return Buffer.from(text).subarray(taken);
    });
    return { terminal, stream, direct };
  };

  it('is written without a stream, and then all is', () => {
    const { terminal, stream, direct } = terminalTaking(100);
    terminal.out.line('done');
    terminal.err.line('and');
    terminal.err.line('over');
    expect(terminal.end()).toBe(true);
    expect(direct).toEqual([
      [1, 'done\n'],
      [2, 'and\nover\n'],
    ]);
    expect(stream.read()).toBe(null);
  });

  it('goes on in the stream where a pipe is full, and not all is written', () => {
    const { terminal, stream } = terminalTaking(2);
    terminal.out.line('done');
    expect(terminal.end()).toBe(false);
    expect(String(stream.read())).toBe('ne\n');
  });

  it('comes after what is in the stream', async () => {
    const { terminal, stream, direct } = terminalTaking(100);
    terminal.out.line('first');
    await setImmediate();
    terminal.out.line('last');
    expect(terminal.end()).toBe(false);
    expect(direct).toEqual([]);
    expect(String(stream.read())).toBe('first\nlast\n');
    await setImmediate();
    expect(terminal.end()).toBe(true);
  });

  it('is whole when it is more than a pipe holds, and is read late', async () => {
    const { url } = await databaseForTest();
    const folder = await folderWith({ '0001_a.sql': `SELECT '${'x'.repeat(3_000_000)}';` });
    // Its stdout is the command's, too, and opened here it does not wait for who reads.
    const shell = `
      const [command, ...args] = ${JSON.stringify([COMMAND, 'plan', '--sql', '--migrations', folder])};
      require('node:child_process').spawn(process.execPath, [command, ...args], { stdio: 'inherit' });
      process.stdout;`;
    const child = spawn(process.execPath, ['-e', shell], {
      env: { ...process.env, DATABASE_URL: url },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await sleep(2_000);
    expect((await text(child.stdout)).length).toBeGreaterThan(3_000_000);
  });

  it('is a failure where it cannot be written', async () => {
    const file = await open(join(await folderWith({ readable: '' }), 'readable'), 'r');
    const child = spawn(process.execPath, [COMMAND, '--version'], { stdio: ['ignore', file.fd, 'pipe'] });
    const said = text(child.stderr!);
    const [exitCode] = await once(child, 'close');
    await file.close();
    expect(exitCode).toBe(1);
    expect(await said).toContain('EBADF');
  });
});

describe('the place of an error', () => {
  const at = (column: number, text: string) =>
    errorText(
      new LockstepError('LS601', {
        what: 'W.',
        state: 'S.',
        remedy: 'R.',
        position: { file: 'f.sql', line: 7, column, text },
      }),
      (_style, plain) => plain,
    ).split('\n');

  it('has its caret under the character, behind tabs and wide letters, too', () => {
    expect(at(4, '\tä𝒳z')).toEqual([
      'Error LS601: W.',
      '',
      '  f.sql:7:4',
      '  7 | \tä𝒳z',
      '      \t  ^',
      '',
      'State: S.',
      'Next:  R.',
    ]);
  });

  it('is cut out of a very long line', () => {
    const [line, caret] = at(5001, `${'a'.repeat(5000)}X${'b'.repeat(5000)}`).slice(3, 5);
    expect(line!.length).toBeLessThan(140);
    expect(line![caret!.indexOf('^')]).toBe('X');
  });
});

describe('a reader that has enough', () => {
  it('ends the command quietly', async () => {
    const files = Object.fromEntries(Array.from({ length: 3 }, (_, i) => [`000${i + 1}_x.sql`, 'SELECT 1;']));
    const child = spawn(
      process.execPath,
      [COMMAND, 'bundle', '--migrations', await folderWith(files), '--out', '/dev/null'],
      {
        stdio: ['ignore', 'pipe', 'pipe'],
      },
    );
    child.stdout.destroy();
    let stderr = '';
    child.stderr.on('data', (text) => {
      stderr += text;
    });
    const [exitCode] = await once(child, 'close');
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
  });
});
