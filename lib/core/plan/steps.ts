/**
 * A script runs as steps: consecutive transactional statements make one step, which is one transaction; each
 * other statement is a step of its own. Most scripts are a single transactional step.
 */
import type { Postcondition, Script, Statement } from './bundle.ts';

export type Step =
  | { readonly index: number; readonly transactional: true; readonly statements: readonly Statement[] }
  | {
      readonly index: number;
      readonly transactional: false;
      readonly statement: Statement;
      readonly postcondition: Postcondition;
    };

export function stepsOf(script: Script): Step[] {
  const steps: Step[] = [];
  let open: Statement[] = [];
  const close = () => {
    if (open.length > 0) steps.push({ index: steps.length, transactional: true, statements: open });
    open = [];
  };
  for (const statement of script.statements) {
    if (statement.transactional) {
      open.push(statement);
      continue;
    }
    close();
    const postcondition = statement.postcondition ?? { kind: 'unknown' };
    steps.push({ index: steps.length, transactional: false, statement, postcondition });
  }
  close();
  // A file of comments only is still applied, as an empty transaction.
  if (steps.length === 0) steps.push({ index: 0, transactional: true, statements: [] });
  return steps;
}

/** Text of one statement, by its byte offsets. */
export function statementText(sql: string, statement: Statement): string {
  return Buffer.from(sql, 'utf8').subarray(statement.start, statement.end).toString('utf8');
}
