/**
 * SQL in the one form in which two scripts are compared and shown: without comments, in one layout. The ledger keeps
 * it of what was applied. It parses to what the file parses to, but for passwords, which are left out: whoever may
 * read the ledger need not know them.
 */
import { canonicalToken, isComment, type Token, tokensOf } from './tokens.ts';

/** Of a larger script the ledger keeps checksums only: its rows are data, and a copy would cost as much as the script. */
export const LARGEST_KEPT_BYTES = 65_536;

/** Undefined for a script that is too large to be kept. */
export const keptSql = (sql: string): string | undefined =>
  Buffer.byteLength(sql, 'utf8') > LARGEST_KEPT_BYTES ? undefined : canonicalSql(sql);

/** Equal for two scripts whose `normalizedSha256` is equal; lines end in a newline, statements in a semicolon. */
export function canonicalSql(sql: string): string {
  const bytes = Buffer.from(sql, 'utf8').toString('latin1');
  const page = new Page();
  for (const token of tokensOf(bytes)) if (!isComment(token)) page.add(canonicalToken(bytes, token), token);
  return Buffer.from(page.end(), 'latin1').toString('utf8');
}

/** Begin a line of their own outside parentheses, so that a difference is shown with little around it. */
const CLAUSES = new Set(
  'add alter drop from group having join limit on order returning set union using values where'.split(' '),
);
const GLUED_BEFORE = new Set([',', ';', ')', '.', '[', ']', '::']);
const GLUED_AFTER = new Set(['(', '.', '[', '::']);
const CONTINUED = '  ';

class Page {
  #text = '';
  #line = '';
  #depth = 0;
  #previous = '';
  /** Of the statement, in which parentheses hold columns and the like. */
  #isDefinition = false;

  add(text: string, token: Token): void {
    if (text === ';') {
      this.#endStatement();
      return;
    }
    if (this.#line === '' && this.#previous === '') this.#isDefinition = text === 'create';
    if (this.#beginsLine(text, token)) this.#break(text === ')' ? '' : CONTINUED);
    const isGlued = this.#line.trim() === '' || GLUED_BEFORE.has(text) || GLUED_AFTER.has(this.#previous);
    this.#line += `${isGlued ? '' : ' '}${isSecret(text, token, this.#previous) ? MASK : text}`;
    this.#previous = text;
    if (text === '(') this.#depth += 1;
    if (text === ')') this.#depth -= 1;
    if (this.#endsLine(text)) this.#break(CONTINUED);
  }

  end(): string {
    this.#endStatement();
    return this.#text;
  }

  #beginsLine(text: string, { kind }: Token): boolean {
    if (kind === 'word') return this.#depth === 0 && this.#previous !== '' && CLAUSES.has(text);
    // A constant that goes on after a line end.
    if (kind === 'quoted') return text.startsWith("'") && this.#previous.endsWith("'");
    return text === ')' && this.#depth === 1 && this.#isDefinition;
  }

  #endsLine(text: string): boolean {
    if (text === ',') return this.#depth === (this.#isDefinition ? 1 : 0);
    return text === '(' && this.#depth === 1 && this.#isDefinition;
  }

  #break(indent: string): void {
    if (this.#line.trim() !== '') this.#text += `${this.#line}\n`;
    this.#line = indent;
  }

  /** Empty statements do not count. */
  #endStatement(): void {
    if (this.#previous !== '') this.#text += this.#line.trim() === '' ? ';\n' : `${this.#line};\n`;
    [this.#line, this.#previous, this.#depth] = ['', '', 0];
  }
}

const MASK = "'...'";
const SAYS_PASSWORD = /password\s*=|:\/\/[^/@\s]*:[^/@\s]*@/i;

/** `PASSWORD '…'` of roles and of options, and connection strings. */
const isSecret = (text: string, { kind }: Token, previous: string): boolean =>
  kind === 'quoted' &&
  text.endsWith("'") &&
  (previous === 'password' || previous === 'connection' || SAYS_PASSWORD.test(text));
