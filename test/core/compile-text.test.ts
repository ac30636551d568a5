import { describe, expect, test } from 'vitest';
import { makeBundle, readBundle, sha256 } from '../../lib/core/plan/bundle.ts';
import { compile, errorOf } from '../support/compile.ts';

const normalized = (sql: string) => compile(sql).up.normalizedSha256;

describe('the normalised checksum', () => {
  const original = `CREATE TABLE app.users (id bigint PRIMARY KEY, name text DEFAULT 'Ann' || E'\\'' CHECK (id>-1));
SELECT $$a
b$$, "Id" FROM app.users;`;

  test.each([
    ['line ends', original.replaceAll('\n', '\r\n')],
    ['layout', original.replace('(id bigint', '(\n\t id\n bigint').replace('id>-1', 'id > -1')],
    ['comments', `-- licence\n${original.replace('PRIMARY', '/* why -- */ PRIMARY')} -- end`],
    [
      'the case of keywords and names without quotes',
      original.replace('CREATE TABLE app.users', 'create table APP.Users'),
    ],
    ['semicolons that separate nothing', `;${original.replace(/;$/, '')}`],
    ['more semicolons', original.replaceAll(';', ' ; ;')],
    ['directives', `-- lockstep: lock-timeout=2s\n${original}`],
    ['a byte order mark', `\uFEFF${original}`],
  ])('does not count %s', (_, edited) => {
    expect(edited).not.toBe(original);
    expect(normalized(edited)).toBe(normalized(original));
  });

  test.each([
    ['a constant', 'Ann', 'ann'],
    ['a number', '-1', '-2'],
    ['space inside a constant', 'a\nb', 'a\n b'],
    ['an operator', 'id>-1', 'id>=-1'],
    ['the case of a name in quotes', '"Id"', '"id"'],
    ['a word', 'bigint', 'int'],
  ])('counts %s', (_, before, after) => {
    const replaced = original.replace(before, after);
    expect(replaced).not.toBe(original);
    expect(normalized(replaced)).not.toBe(normalized(original));
  });

  test.each([
    ['the order of statements', 'SELECT 1; SELECT 2', 'SELECT 2; SELECT 1'],
    ['the case of a name in Unicode quotes', 'SELECT U&"D\\0061"', 'SELECT U&"d\\0061"'],
    ['the case of a letter beyond ASCII, as PostgreSQL does', 'SELECT Üa', 'SELECT üa'],
    ['a space in an operator', 'SELECT a @ -b', 'SELECT a @- b'],
  ])('counts %s', (_, one, other) => {
    expect(normalized(one)).not.toBe(normalized(other));
  });

  test('does not count the layout between the pieces of one constant', () => {
    expect(normalized("SELECT E'a'\n\n  'b\\'c'")).toBe(normalized("SELECT E'a' \r\n'b\\'c'"));
    expect(normalized("SELECT 'a'\n'b'")).not.toBe(normalized("SELECT 'a b'"));
  });
});

describe('the text of a file', () => {
  test('is kept as it is, but for a byte order mark; its checksum is that of the text kept', () => {
    const migration = compile('\uFEFFSELECT 1;\r\n', '\uFEFFSELECT 2');
    expect(migration.up.sql).toBe('SELECT 1;\r\n');
    expect(migration.up.sha256).toBe(sha256('SELECT 1;\r\n'));
    expect(readBundle(JSON.stringify(makeBundle([migration]))).migrations).toEqual([migration]);
  });

  test.each([
    ['Latin-1', Buffer.from("SELECT 1;\n\n SELECT 'é'", 'latin1'), 'line 3'],
    ['UTF-16', Buffer.from('\uFEFFSELECT 1', 'utf16le'), 'line 1'],
    ['a NUL', Buffer.from('SELECT 1;\nSELECT \0; DROP TABLE t'), 'line 2'],
    ['a surrogate', Buffer.from([0x0a, 0xed, 0xa0, 0x80]), 'line 2'],
  ])('%s is refused, naming the line', (_, bytes, line) => {
    const error = errorOf(() => compile(bytes));
    expect(error.code).toBe('LS203');
    expect(error.what).toContain('0001_first.sql');
    expect(error.what).toContain(line);
  });
});

describe('a syntax error', () => {
  test('is shown with file, line, column in characters and the text of the line', () => {
    const error = errorOf(() => compile("SELECT 1;\r\n\r\nSELECT '😀é', frm FROM FROM x;\r\nSELECT 2"));
    expect(error).toMatchObject({
      code: 'LS204',
      position: { file: '0001_first.sql', line: 3, column: 23, text: "SELECT '😀é', frm FROM FROM x;" },
    });
    expect(error.what).toContain('syntax error at or near "FROM"');
  });

  test('at the end of the file points behind the last character', () => {
    expect(errorOf(() => compile('SELECT (')).position).toMatchObject({
      line: 1,
      column: 9,
      text: 'SELECT (',
    });
  });

  test('does not carry the rest of the file in its message', () => {
    const error = errorOf(() => compile(`SELECT 'open\n${'secret '.repeat(1_000)}`));
    expect(error.code).toBe('LS204');
    expect(error.what.length).toBeLessThan(250);
    expect(error.what).not.toContain('secret');
  });

  test.each(['\\restrict abc\nSELECT 1', 'SELECT 1;\n  \\c other\nSELECT 2;'])(
    'at a psql command says so: %j',
    (sql) => {
      expect(errorOf(() => compile(sql))).toMatchObject({
        code: 'LS204',
        remedy: expect.stringContaining('psql'),
      });
    },
  );

  test('at rows for COPY says what to do instead', () => {
    const sql = 'SELECT 1;\nCOPY public.t (a, b) FROM stdin;\n1\tfoo\n2\tbar\n\\.\n';
    expect(errorOf(() => compile(sql))).toMatchObject({
      code: 'LS204',
      remedy: expect.stringContaining('INSERT'),
    });
  });

  test('elsewhere gives no such advice', () => {
    expect(errorOf(() => compile('SELECT 1 1')).remedy).toBe('Correct the file.');
  });

  test.each([`SELECT ${'1+'.repeat(100_000)}1`, `SELECT ${'('.repeat(100_000)}1`])(
    'is not what is reported when the parser runs out of stack, and the parser stays usable',
    (sql) => {
      expect(errorOf(() => compile(sql))).toMatchObject({
        code: 'LS208',
        remedy: expect.stringContaining('Split'),
      });
      expect(compile('SELECT 1').up.statements).toHaveLength(1);
    },
  );
});
