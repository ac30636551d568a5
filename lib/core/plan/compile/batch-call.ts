/**
 * The key range of a back-fill, as its author writes it: `WHERE lockstep.batch(id) AND …`. The call is a place
 * holder, which the engine replaces by a condition on the key's columns; it names the key, and with it the table
 * that is walked.
 */
import { LockstepError, NOTHING_CHANGED } from '../../errors/index.ts';
import type { Batch } from '../bundle.ts';
import { type RangeVar, type StringNode, taggedNodes } from './parse-tree.ts';
import type { ParsedStatement } from './parser.ts';
import type { SourceText } from './source-text.ts';
import type { Token } from './tokens.ts';

interface Call {
  readonly location: number;
  readonly args?: readonly { readonly ColumnRef?: { readonly fields: readonly StringNode[] } }[];
}

type NamedTable = RangeVar & { readonly alias?: { readonly aliasname: string } };

/** Undefined for a statement without a batch call. Throws LS208 for a call that cannot be understood. */
export function batchOf(
  source: SourceText,
  statement: ParsedStatement,
  tokens: readonly Token[],
): Batch | undefined {
  const [call, another] = callsIn(statement.node);
  if (!call) return undefined;
  const refuse = (why: string, remedy: string) => refusal(source, call.location, why, remedy);
  if (!source.file.endsWith('.backfill.sql'))
    throw refuse('lockstep.batch() is for back-fills', 'Name the file `….backfill.sql`.');
  if (another) throw refuse('lockstep.batch() is there twice', 'Write one call in a statement.');
  const paths = (call.args ?? []).map(({ ColumnRef }) =>
    (ColumnRef?.fields ?? []).map((f) => f.String?.sval ?? ''),
  );
  if (paths.length === 0 || !paths.every((path) => path.length > 0 && path.every((part) => part !== '')))
    throw refuse(
      'lockstep.batch() takes the columns of a key',
      'Write `lockstep.batch(id)`, or all columns of the key.',
    );
  const qualifiers = paths.map((path) => path.slice(0, -1));
  const [qualifier = []] = qualifiers;
  const isOne = qualifiers.every((q) => q.join('.') === qualifier.join('.'));
  const table = isOne ? tableOf(statement, qualifier.at(-1)) : undefined;
  if (!table)
    throw refuse(
      'it cannot be told of which table these columns are',
      'Write them as `table.column`, or `alias.column`.',
    );
  return {
    ...(table.schemaname === undefined ? {} : { schema: table.schemaname }),
    table: table.relname,
    key: paths.map((path) => path.at(-1) ?? ''),
    qualifier,
    start: call.location,
    end: closingParenthesis(source, tokens, call.location),
  };
}

function callsIn(node: unknown): Call[] {
  return [...taggedNodes<Call & { readonly funcname: readonly StringNode[] }>(node, 'FuncCall')].filter(
    ({ funcname }) => funcname.map((part) => part.String?.sval).join('.') === 'lockstep.batch',
  );
}

/** The table that a qualifier names; without one, the table that is written to, or the only one that is read. */
function tableOf({ node }: ParsedStatement, qualifier: string | undefined): NamedTable | undefined {
  const written = (node.UpdateStmt ?? node.DeleteStmt) as { readonly relation: NamedTable } | undefined;
  if (written && qualifier === undefined) return written.relation;
  const tables = [...(written ? [written.relation] : []), ...taggedNodes<NamedTable>(node, 'RangeVar')];
  const named =
    qualifier === undefined ? tables : tables.filter((t) => (t.alias?.aliasname ?? t.relname) === qualifier);
  return named.length === 1 ? named[0] : undefined;
}

const [OPEN, CLOSE] = [0x28, 0x29];

/** End of the call that begins at `from`: columns have no parentheses of their own, but may stand in some. */
function closingParenthesis(source: SourceText, tokens: readonly Token[], from: number): number {
  let depth = 0;
  for (const { start, end } of tokens) {
    if (start < from) continue;
    if (source.bytes[start] === OPEN) depth += 1;
    if (source.bytes[start] === CLOSE && --depth === 0) return end;
  }
  throw refusal(source, from, 'the call of lockstep.batch() does not end', 'Close its parenthesis.');
}

function refusal(source: SourceText, offset: number, why: string, remedy: string): LockstepError {
  const position = source.positionAt(offset);
  return new LockstepError('LS208', {
    what: `${position.file}, line ${position.line}: ${why}.`,
    state: NOTHING_CHANGED,
    remedy,
    position,
  });
}
