/**
 * The compiler: from files of SQL to migrations that can be executed without a parser.
 *
 * Invariants
 * - What runs is the text of the file, byte for byte; only a byte order mark is taken away. `sha256` is over
 *   exactly that text, in the catalog and in the script alike.
 * - A statement's offsets begin and end at tokens: never in a comment, never at a semicolon. All SQL of the file
 *   is in one of the statements.
 * - `normalizedSha256` depends on the tokens only. Comments (directives too), layout, line ends and the case of
 *   words without quotes do not count; what is inside quotes does, save for its line ends.
 * - The same files give the same bundle on every machine.
 *
 * Who is authoritative: PostgreSQL's own parser, reached through the port `SqlParser`, for what a statement is and
 * where it ends. What depends on the database (does the table exist, is it partitioned) is not decided here.
 *
 * What can fail: names (LS201, LS202, LS210), text (LS203), syntax (LS204), directives (LS207), statements that cannot
 * be part of a migration (LS205, LS208) or of a repeatable object (LS211). The first problem found is the one reported; a file that fails compiles
 * to nothing.
 */
export * from './file-name.ts';
export * from './hazards.ts';
export * from './migration.ts';
export type { LoadParser, ParsedStatement, ParseOutcome, SqlParser } from './parser.ts';
export * from './repeatable.ts';
export { withoutByteOrderMark } from './source-text.ts';
