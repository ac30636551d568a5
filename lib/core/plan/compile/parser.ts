import type { StatementNode } from './parse-tree.ts';

/** One top-level statement as the parser found it. */
export interface ParsedStatement {
  /** UTF-8 byte offsets, end exclusive and without the semicolon; comments may be included at both ends. */
  readonly start: number;
  readonly end: number;
  /** The tag of `node`, such as `AlterTableStmt`. */
  readonly kind: string;
  readonly node: StatementNode;
}

export type ParseOutcome =
  | { readonly ok: true; readonly statements: readonly ParsedStatement[] }
  /** PostgreSQL's message and the position of the error, in characters (code points) from 0. */
  | { readonly ok: false; readonly reason: 'syntax'; readonly message: string; readonly character: number }
  /** The parser itself could not cope: nested too deeply, too large. */
  | { readonly ok: false; readonly reason: 'gave-up'; readonly message: string };

/** Port: PostgreSQL's grammar. Synchronous and pure. Adapter: libpg-query. */
export interface SqlParser {
  /** `sql` has no NUL character: what follows one would be ignored silently. */
  parse(sql: string): ParseOutcome;
}

/** Loading the parser costs far more than planning a run with nothing pending; it is put off until a file is compiled. */
export type LoadParser = () => Promise<SqlParser>;
