import fc from 'fast-check';
import { scanSync } from 'libpg-query';
import { expect, test } from 'vitest';
import { LockstepError } from '../../lib/core/errors/index.ts';
import { canonicalToken, isComment, type Token, tokensOf } from '../../lib/core/plan/compile/tokens.ts';
import { compile, statementTexts } from '../support/compile.ts';

const statement = fc.constantFrom(
  'SELECT 1',
  "SELECT 'it''s; -- no comment', E'\\'; /*', U&'d\\0061t'",
  'INSERT INTO "we;ird ""t" VALUES (1, \'é€😀\')',
  "CREATE FUNCTION f() RETURNS void LANGUAGE plpgsql AS $ü$ BEGIN -- ; '\n END; $$ $ü$",
  "UPDATE tü SET a = -1, b=-1, c = a->>'x' WHERE NOT a @> '{}'",
  'WITH x AS (SELECT 1.5e-3, .5, 1., 0x1F, 1_000) SELECT a[1:2], $1::int FROM x',
  "SELECT 'a'  \r\n\n 'b;'",
  'CREATE FUNCTION g() RETURNS int LANGUAGE sql BEGIN ATOMIC SELECT 1; SELECT 2; END',
  'DO $$BEGIN PERFORM 1; END$$',
);
const layout = fc
  .array(fc.constantFrom(' ', '\n', '\r\n', '\t', '-- ü; \'"\n', '/* ; /* é */ $$ */', '/**/', '--\n'), {
    maxLength: 4,
  })
  .map((parts) => parts.join(''));

test('statements are cut out exactly, whatever is put between them', () => {
  const part = fc.tuple(layout, statement, layout);
  fc.assert(
    fc.property(
      fc.array(part, { maxLength: 6 }),
      layout,
      fc.constantFrom('', ';', ';;'),
      (parts, end, last) => {
        const sql = parts.map(([before, text, after]) => `${before}${text}\n${after}`).join(';') + last + end;
        expect(statementTexts(compile(sql))).toEqual(parts.map(([, text]) => text));
      },
    ),
    { numRuns: 300 },
  );
});

test('layout and comments do not change the normalised checksum', () => {
  fc.assert(
    fc.property(fc.array(statement, { minLength: 1, maxLength: 5 }), layout, (statements, between) => {
      const plain = compile(statements.join('\n;')).up;
      const other = compile(between + statements.join(`\n${between};;${between}`)).up;
      expect(other.normalizedSha256).toBe(plain.normalizedSha256);
    }),
    { numRuns: 200 },
  );
});

const compilesOrRefuses = (bytes: Buffer) => {
  try {
    compile(bytes);
  } catch (error) {
    expect(error).toBeInstanceOf(LockstepError);
    expect((error as LockstepError).code).not.toBe('LS901');
  }
};

test('any bytes compile or are refused with a LockstepError', () => {
  const bytes = fc.uint8Array({ maxLength: 200 }).map((array) => Buffer.from(array));
  fc.assert(fc.property(bytes, compilesOrRefuses), { numRuns: 500 });
});

const fragment = fc.constantFrom(
  ...[
    "'",
    "''",
    '"',
    '""',
    'e',
    'E',
    "E'",
    "U&'",
    'U&"',
    'b',
    'x',
    '$',
    '$$',
    '$a$',
    '$é$',
    '$1',
    '\\',
    "\\'",
    'é',
    '😀',
  ],
  ...[
    '--',
    '/*',
    '*/',
    '\n',
    '\r',
    ' ',
    '\t',
    ';',
    ';',
    'select',
    'SELECT',
    'a',
    '1',
    '1.',
    '.5',
    '1e5',
    '..',
    ':=',
    '::',
  ],
  ...[
    '=',
    '-',
    '+',
    '*',
    '/',
    '@',
    '!',
    '<',
    '>',
    '=-',
    '@-',
    '(',
    ')',
    ',',
    ':',
    '.',
    '[',
    ']',
    'from',
    'copy t from stdin',
  ],
);
const soup = fc.array(fragment, { maxLength: 25 }).map((parts) => parts.join(''));

test('any soup of SQL fragments compiles or is refused with a LockstepError', () => {
  fc.assert(
    fc.property(soup, (sql) => compilesOrRefuses(Buffer.from(sql))),
    { numRuns: 3_000 },
  );
});

/** PostgreSQL's scanner counts a constant in several pieces as one token. */
function joinPieces(text: string, tokens: Iterable<Token>): Token[] {
  const joined: Token[] = [];
  for (const token of tokens) {
    const previous = joined.at(-1);
    const between = text.slice((previous?.end ?? 1) - 1, token.start + 1);
    if (previous?.kind === 'quoted' && /^'\s*[\n\r]\s*'$/.test(between)) {
      joined[joined.length - 1] = { ...previous, end: token.end };
    } else joined.push(token);
  }
  return joined;
}

/** It also counts `N'a'` as two: only there would N be on its own. */
const isComparable = (sql: string) => !/[nN]'/.test(sql);

const ownSpans = (sql: string) => {
  const bytes = Buffer.from(sql).toString('latin1');
  return joinPieces(bytes, tokensOf(bytes)).map((t) => [t.start, t.end]);
};
const scannerSpans = (sql: string) => scanSync(sql).tokens.map((t) => [t.start, t.end]);

test.each([
  "SELECT 'it''s', b'1''', x'f''', E'\\'''\\\\', e'a'\n'\\'', U&'d\\0061', U&\"d\\0061\" u",
  '$$;$$ $a$ $b$ $$ $a$ $é$ $É$ $é$ a$b$ $1 $12',
  'a=-1 a=+-1 a@-1 a*-1 a->>b a<-b a<=-1 !=- <> => := :: .. a[1:2] ?| %- ~-',
  '1..2 1.5e-3 .5e+3 1. 0x1F 1_000 1.e5 a.b.c',
  'a+--b\n+/*/**/*//**/-/* /*/ */ */ é日$x "a""b" "c"',
])("tokens are those of PostgreSQL's own scanner in %j", (sql) => {
  expect(ownSpans(sql)).toEqual(scannerSpans(sql));
});

test("tokens are those of PostgreSQL's own scanner in any soup of fragments that it takes", () => {
  let compared = 0;
  const behindStatement = fc.tuple(statement, soup).map(([a, b]) => `${a};${b}`);
  fc.assert(
    fc.property(fc.oneof(soup, behindStatement).filter(isComparable), (sql) => {
      let expected: number[][];
      try {
        expected = scannerSpans(sql);
      } catch {
        return;
      }
      compared++;
      expect(ownSpans(sql)).toEqual(expected);
    }),
    { numRuns: 5_000 },
  );
  expect(compared).toBeGreaterThan(500);
});

test('a text of a megabyte and many statements, or of one long constant, takes no time that grows with its square', () => {
  const line = "INSERT INTO t (a, b) VALUES (1, 'some text é that is long enough');\n";
  const many = line.repeat(15_000);
  const startedAt = performance.now();
  expect(compile(many).up.statements).toHaveLength(15_000);
  expect(compile(`DROP TABLE t;\n`.repeat(50_000)).hazards.at(-1)?.line).toBe(50_000);
  compile(`SELECT '${"''".repeat(500_000)}'`);
  compile(`SELECT 1 ${'\n'.repeat(1_000_000)}`);
  compile(`SELECT 'a' ${'-- x '.repeat(200_000)}`);
  // About 2 s; with a conversion per statement it takes minutes.
  expect(performance.now() - startedAt).toBeLessThan(15_000);
});

test('tokens leave nothing but layout between them', () => {
  fc.assert(
    fc.property(soup, (sql) => {
      const text = Buffer.from(sql).toString('latin1');
      let at = 0;
      for (const token of tokensOf(text)) {
        expect(text.slice(at, token.start)).toMatch(/^[ \t\n\r\f\v]*$/);
        expect(token.end).toBeGreaterThan(token.start);
        if (isComment(token)) expect(text.slice(token.start, token.start + 2)).toMatch(/--|\/\*/);
        else expect(canonicalToken(text, token)).not.toBe('');
        at = token.end;
      }
      expect(text.slice(at)).toMatch(/^[ \t\n\r\f\v]*$/);
    }),
    { numRuns: 2_000 },
  );
});
