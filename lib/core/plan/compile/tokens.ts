/**
 * Splits SQL into tokens by the rules of PostgreSQL's scanner (scan.l, standard_conforming_strings on). It is
 * used on text that the parser has accepted, to tell SQL from comments and layout; a test holds it against
 * PostgreSQL's own scanner, which takes ten times as long.
 *
 * Texts are given as Latin-1 strings made of a file's UTF-8 bytes: one character is one byte, as in scan.l, so
 * that every offset is a byte offset.
 */
export interface Token {
  /** `word`: a keyword or a name without quotes; `quoted`: a constant or a name in quotes; `other`: numbers, symbols. */
  readonly kind: 'word' | 'quoted' | 'other' | 'line-comment' | 'block-comment';
  readonly start: number;
  readonly end: number;
}

const LAYOUT = /[ \t\n\r\f\v]+/y;
const LINE_COMMENT = /--[^\n\r]*/y;
const QUOTE_START = /([eE]|[bBxXnN]|[uU]&)?'/y;
const QUOTED_NAME_START = /(?:[uU]&)?"/y;
const IN_STRING = /''|(')/g;
const IN_ESCAPE_STRING = /\\.|''|(')/gs;
const IN_BIT_STRING = /(')/g;
const IN_QUOTED_NAME = /""|(")/g;
const DOLLAR_QUOTE = /\$(?:[A-Za-z_\x80-\xff][\w\x80-\xff]*)?\$/y;
const WORD = /[A-Za-z_\x80-\xff][\w$\x80-\xff]*/y;
const NUMBER = /0[xX][\da-fA-F_]+|(?:\d[\d_]*(?:\.(?!\.)[\d_]*)?|\.\d[\d_]*)(?:[eE][+-]?\d[\d_]*)?|\$\d+/y;
const OPERATOR = /[~!@#^&|`?+\-*/%<>=]+/y;
const SYMBOL = /::|:=|\.\.|./sy;
/** `'a'`, a line end, `'b'` is one constant. (A server also takes a comment in between, the parser used here does not.) */
const CONTINUED_QUOTE = /[ \t\f\v]*[\n\r][ \t\n\r\f\v]*'/y;

/** Tokens and comments, in order. Unterminated constants and comments reach to the end of the text. */
export function* tokensOf(text: string): Generator<Token> {
  let at = endOf(LAYOUT, text, 0);
  while (at < text.length) {
    const quote = execAt(QUOTE_START, text, at);
    const token = quote ? quoted(text, at, at + quote[0].length, quote[1]) : unquoted(text, at);
    yield token;
    at = token.end;
    for (
      let piece = quote && execAt(CONTINUED_QUOTE, text, at);
      piece;
      piece = execAt(CONTINUED_QUOTE, text, at)
    ) {
      const next = quoted(text, at + piece[0].length - 1, at + piece[0].length, quote?.[1]);
      yield next;
      at = next.end;
    }
    at = endOf(LAYOUT, text, at);
  }
}

export const isComment = (token: Token): boolean =>
  token.kind === 'line-comment' || token.kind === 'block-comment';

/** A token as it is compared: letter case only counts where it counts for PostgreSQL, a line end is a newline. */
export function canonicalToken(text: string, token: Token): string {
  const own = text.slice(token.start, token.end);
  if (token.kind === 'word') return own.replace(/[A-Z]+/g, (letters) => letters.toLowerCase());
  return own.includes('\r') ? own.replaceAll('\r\n', '\n') : own;
}

function quoted(text: string, start: number, bodyStart: number, prefix = ''): Token {
  const special = /[eE]/.test(prefix) ? IN_ESCAPE_STRING : /[bBxX]/.test(prefix) ? IN_BIT_STRING : IN_STRING;
  return { kind: 'quoted', start, end: endOfQuoted(text, bodyStart, special) };
}

function unquoted(text: string, start: number): Token {
  if (text.startsWith('--', start))
    return { kind: 'line-comment', start, end: endOf(LINE_COMMENT, text, start) };
  if (text.startsWith('/*', start))
    return { kind: 'block-comment', start, end: endOfBlockComment(text, start) };
  const body = endOf(QUOTED_NAME_START, text, start);
  if (body > start) return { kind: 'quoted', start, end: endOfQuoted(text, body, IN_QUOTED_NAME) };
  const tag = execAt(DOLLAR_QUOTE, text, start)?.[0];
  if (tag !== undefined) return { kind: 'quoted', start, end: endAfter(text, tag, start + tag.length) };
  const word = endOf(WORD, text, start);
  if (word > start) return { kind: 'word', start, end: word };
  const number = endOf(NUMBER, text, start);
  if (number > start) return { kind: 'other', start, end: number };
  return { kind: 'other', start, end: endOfOperator(text, start) ?? endOf(SYMBOL, text, start) };
}

/** `special` matches what is not simply content, and with its first group the end. */
function endOfQuoted(text: string, bodyStart: number, special: RegExp): number {
  special.lastIndex = bodyStart;
  for (let found = special.exec(text); found; found = special.exec(text)) {
    if (found[1] !== undefined) return special.lastIndex;
  }
  return text.length;
}

/** Block comments nest. */
function endOfBlockComment(text: string, start: number): number {
  const marks = /\/\*|\*\//g;
  marks.lastIndex = start;
  let depth = 0;
  for (let mark = marks.exec(text); mark; mark = marks.exec(text)) {
    depth += mark[0] === '/*' ? 1 : -1;
    if (depth === 0) return marks.lastIndex;
  }
  return text.length;
}

/** `a=-1` is `a = -1`: an operator ends in a sign only if one of its other characters allows for it. */
function endOfOperator(text: string, start: number): number | undefined {
  let operator = text.slice(start, endOf(OPERATOR, text, start));
  if (operator === '') return undefined;
  const comment = operator.search(/--|\/\*/);
  if (comment > 0) operator = operator.slice(0, comment);
  if (!/[~!@#^&|`?%]/.test(operator.slice(0, -1))) operator = operator.replace(/(?<=.)[+-]+$/, '');
  return start + operator.length;
}

function endAfter(text: string, closing: string, from: number): number {
  const found = text.indexOf(closing, from);
  return found < 0 ? text.length : found + closing.length;
}

function execAt(sticky: RegExp, text: string, at: number): RegExpExecArray | null {
  sticky.lastIndex = at;
  return sticky.exec(text);
}

/** End of what matches at `at`; `at` itself if nothing does. */
function endOf(sticky: RegExp, text: string, at: number): number {
  sticky.lastIndex = at;
  return sticky.test(text) ? sticky.lastIndex : at;
}
