/** Statements that cannot be run as part of a migration, each with the reason and the way out. */
import type { ErrorCode } from '../../errors/index.ts';
import { nameParts, type StatementNode } from './parse-tree.ts';

export interface StatementRefusal {
  readonly code: Extract<ErrorCode, 'LS205' | 'LS208'>;
  /** Completes "0042_add_email.sql, line 3: …". */
  readonly why: string;
  readonly remedy: string;
}

const OWN_TRANSACTION: StatementRefusal = {
  code: 'LS205',
  why: 'the file begins or ends a transaction by itself',
  remedy:
    'Remove the statement: Lockstep runs each file in a transaction, and what cannot run in one outside.',
};

const refuse = (why: string, remedy: string): StatementRefusal => ({ code: 'LS208', why, remedy });

const ADVISORY_UNLOCK = /^pg_advisory_unlock(?:_shared|_all)?$/;

export function refusalOf(node: StatementNode): StatementRefusal | undefined {
  if (node.TransactionStmt) return OWN_TRANSACTION;
  if (node.CopyStmt && node.CopyStmt.filename === undefined) {
    return node.CopyStmt.is_from
      ? refuse('COPY FROM STDIN needs a client that sends the rows', 'Write the rows as INSERT statements.')
      : refuse('COPY TO STDOUT needs a client that reads the rows', 'Remove the statement.');
  }
  if (node.ListenStmt || node.UnlistenStmt) {
    return refuse(
      'LISTEN and UNLISTEN concern only the session, which ends with the run',
      'Remove the statement.',
    );
  }
  if (node.DiscardStmt?.target === 'DISCARD_ALL') {
    return refuse('DISCARD ALL drops the lock that guards the run', 'Use DISCARD TEMP, PLANS or SEQUENCES.');
  }
  if (node.VariableSetStmt?.kind === 'VAR_RESET_ALL') {
    return refuse('RESET ALL drops the time-outs that guard the run', 'Reset the settings one by one.');
  }
  return refusalOfCall(node) ?? refusalOfConcurrentIndex(node);
}

function refusalOfCall({ SelectStmt }: StatementNode): StatementRefusal | undefined {
  const calls = SelectStmt?.targetList?.flatMap((target) => target.ResTarget?.val?.FuncCall ?? []) ?? [];
  for (const { funcname } of calls) {
    const name = funcname.at(-1)?.String?.sval ?? '';
    if (!ADVISORY_UNLOCK.test(name)) continue;
    return refuse(
      `${name} can release the lock that guards the run`,
      'Use pg_advisory_xact_lock, which ends with its transaction.',
    );
  }
  return undefined;
}

function refusalOfConcurrentIndex({ IndexStmt, DropStmt }: StatementNode): StatementRefusal | undefined {
  if (IndexStmt?.concurrent && IndexStmt.idxname === undefined) {
    return refuse(
      'CREATE INDEX CONCURRENTLY without a name leaves an index that cannot be looked up after a crash',
      'Give the index a name.',
    );
  }
  if (DropStmt?.concurrent && DropStmt.objects.length > 1) {
    const names = DropStmt.objects.map((name) => nameParts(name).join('.')).join(', ');
    return refuse(
      `DROP INDEX CONCURRENTLY takes one index at a time, not ${names}`,
      'Write one statement for each index.',
    );
  }
  return undefined;
}
