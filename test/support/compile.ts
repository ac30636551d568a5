/** Compiles SQL given as text, as if it were the only file of a directory. */
import { loadParser } from '../../lib/adapters/libpg-query/index.ts';
import { LockstepError } from '../../lib/core/errors/index.ts';
import type { Migration, Statement } from '../../lib/core/plan/bundle.ts';
import { compileMigration, withoutByteOrderMark } from '../../lib/core/plan/compile/index.ts';
import { statementTexts as cutOut } from '../../lib/core/plan/steps.ts';

export const parser = await loadParser();

export function compile(sql: string | Buffer, downSql?: string): Migration {
  const down = downSql === undefined ? undefined : '0001_first.down.sql';
  const contents = new Map([
    ['0001_first.sql', Buffer.from(sql as string)],
    ['0001_first.down.sql', Buffer.from(downSql ?? '')],
  ]);
  const files = { revision: '0001', slug: 'first', phase: 'expand', up: '0001_first.sql', down } as const;
  return compileMigration(files, (file) => withoutByteOrderMark(contents.get(file)!), parser);
}

/** Statements as text, cut out by their byte offsets. */
export const statementTexts = ({ up }: Migration): string[] => cutOut(up.sql, up.statements);

export function onlyStatement(sql: string): Statement {
  const { statements } = compile(sql).up;
  if (statements.length !== 1) throw new Error(`${statements.length} statements in ${sql}`);
  return statements[0]!;
}

/** The LockstepError that `act` throws; anything else fails the test. */
export function errorOf(act: () => unknown): LockstepError {
  try {
    act();
  } catch (error) {
    if (error instanceof LockstepError) return error;
    throw error;
  }
  throw new Error('no error was thrown');
}
