/**
 * A script runs as steps: consecutive transactional statements make one step, which is one transaction; a statement
 * that cannot be in one, or that is done in batches, is a step of its own. What uses a new value of an enum begins
 * another step, because PostgreSQL lets nobody use it before it is committed. Most scripts are a single transaction.
 */
import type { Batch, Script, Statement } from './bundle.ts';
import type { Postcondition } from './postcondition.ts';

export type Step =
  | { readonly kind: 'transaction'; readonly index: number; readonly statements: readonly Statement[] }
  | {
      readonly kind: 'alone';
      readonly index: number;
      readonly statement: Statement;
      readonly postcondition: Postcondition;
    }
  | {
      readonly kind: 'batches';
      readonly index: number;
      readonly statement: Statement;
      readonly batch: Batch;
    };

export function stepsOf(script: Script): Step[] {
  const steps: Step[] = [];
  let open: Statement[] = [];
  const close = () => {
    if (open.length > 0) steps.push({ kind: 'transaction', index: steps.length, statements: open });
    open = [];
  };
  for (const statement of script.statements) {
    const { transactional, postcondition = { kind: 'unknown' }, batch } = statement;
    if (transactional && !batch) {
      open.push(statement);
      if (statement.endsTransaction) close();
      continue;
    }
    close();
    const index = steps.length;
    steps.push(
      batch
        ? { kind: 'batches', index, statement, batch }
        : { kind: 'alone', index, statement, postcondition },
    );
  }
  close();
  // A file of comments only is still applied, as an empty transaction.
  if (steps.length === 0) steps.push({ kind: 'transaction', index: 0, statements: [] });
  return steps;
}

/** Texts of statements of a script, by their byte offsets. */
export function statementTexts(sql: string, statements: readonly Statement[]): string[] {
  // Mostly a byte is a character.
  if (Buffer.byteLength(sql) === sql.length) return statements.map(({ start, end }) => sql.slice(start, end));
  const bytes = Buffer.from(sql, 'utf8');
  return statements.map(({ start, end }) => bytes.toString('utf8', start, end));
}
