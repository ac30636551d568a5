import { describe, expect, test } from 'vitest';
import { compile, errorOf } from '../support/compile.ts';

describe('directives', () => {
  test.each([
    ['2s', 2_000],
    ['500ms', 500],
    ['1min', 60_000],
    ['3h', 10_800_000],
    ['0', 0],
    ['2147483647ms', 2_147_483_647],
  ])('lock-timeout=%s is %i ms', (value, lockTimeoutMs) => {
    expect(compile(`-- lockstep: lock-timeout=${value}\nSELECT 1`).settings).toEqual({ lockTimeoutMs });
  });

  test('may stand among other comments and blank lines before the first SQL, with CRLF line ends', () => {
    const sql = [
      '/* licence */',
      '',
      '-- lockstep: lock-timeout=2s',
      '-- why',
      '--lockstep:statement-timeout = 1min  ',
      'SELECT 1',
    ].join('\r\n');
    expect(compile(sql).settings).toEqual({ lockTimeoutMs: 2_000, statementTimeoutMs: 60_000 });
  });

  test('expected-duration tells how long the author expects the file to take', () => {
    expect(compile('-- lockstep: expected-duration=40min\nSELECT 1').settings).toEqual({
      expectedDurationMs: 2_400_000,
    });
  });

  test('a file without directives has no settings', () => {
    expect(compile('-- lockstep is nice\nSELECT 1').settings).toEqual({});
  });

  test('a file that is nothing but directives has settings', () => {
    expect(compile('-- lockstep: lock-timeout=1s').settings).toEqual({ lockTimeoutMs: 1_000 });
  });

  test('what looks like a directive inside a string, a function body or a block comment is none', () => {
    const sql = `SELECT '\n-- lockstep: x=1\n', $$\n-- lockstep: x=1\n$$ /*\n-- lockstep: x=1\n*/`;
    expect(compile(sql).settings).toEqual({});
  });

  test.each([
    ['-- lockstep: lock_timeout=2s', 'lock-timeout, statement-timeout and lock-wait'],
    ['-- lockstep: lock-timeout', 'lock-timeout, statement-timeout and lock-wait'],
    ['-- lockstep:', 'lock-timeout, statement-timeout and lock-wait'],
    ['-- lockstep: lock-timeout=2s statement-timeout=1s', 'lock-timeout, statement-timeout and lock-wait'],
    ['-- lockstep: lock-timeout=2', 'whole number'],
    ['-- lockstep: lock-timeout=1.5s', 'whole number'],
    ['-- lockstep: lock-timeout=-1s', 'whole number'],
    ['-- lockstep: lock-timeout=2S', 'whole number'],
    ['-- lockstep: lock-timeout=2147483648ms', '25 days'],
    ['-- lockstep: lock-timeout=1s\n-- lockstep: lock-timeout=1s', 'one of the two'],
    ['-- lockstep: expected-duration=0', 'how long'],
  ])('%s is refused', (directive, remedy) => {
    const error = errorOf(() => compile(`${directive}\nSELECT 1`));
    expect(error.code).toBe('LS207');
    expect(error.remedy).toContain(remedy);
  });

  test('a directive after the first SQL is refused with file, line and column', () => {
    expect(errorOf(() => compile("SELECT 'ü';\nSELECT 'ü'; -- lockstep: lock-timeout=2s\n"))).toMatchObject({
      code: 'LS207',
      position: {
        file: '0001_first.sql',
        line: 2,
        column: 13,
        text: "SELECT 'ü'; -- lockstep: lock-timeout=2s",
      },
      remedy: expect.stringContaining('top of the file'),
    });
  });

  test('a directive in a down file is refused: it would not be obeyed', () => {
    expect(errorOf(() => compile('SELECT 1', '-- lockstep: lock-timeout=2s\nSELECT 1'))).toMatchObject({
      code: 'LS207',
      position: { file: '0001_first.down.sql', line: 1, column: 1 },
    });
  });
});
