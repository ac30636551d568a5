/** The ledger, the objects of the database, and the migrations at hand. */
import { describeBlockers } from '../locks/index.ts';
import { pendingNames, refusal } from '../plan/index.ts';
import type { MigrationsSeen, Reached, Reading, SchemaSeen } from './facts.ts';
import { type Judgement, note, ofError, ok, problem, runbook, unread, waitedInVain } from './judgement.ts';

/** Who may not read it is told under `privileges`. */
export function judgeLedger({ ledger, ledgerLockedBy }: Reached): Judgement[] {
  if ('value' in ledger) {
    const { fenceToken } = ledger.value;
    return [ok('ledger', fenceToken === 0 ? 'Empty, or not made yet.' : `It answers; token ${fenceToken}.`)];
  }
  if (!waitedInVain(ledger.error) || ledgerLockedBy.length === 0) return [unread('ledger', ledger.error)];
  return [
    problem(
      'ledger',
      `It is locked by ${describeBlockers(ledgerLockedBy)}: nobody can migrate.`,
      `End what locks it, if it can go: \`SELECT pg_terminate_backend(${ledgerLockedBy[0]?.pid ?? 'PID'})\`.`,
      runbook('LS611'),
    ),
  ];
}

/** All of them: a person mends them one after the other. */
export function judgeSchema(reading: Reading<SchemaSeen>): Judgement[] {
  const name = 'schema';
  if ('error' in reading) return [unread(name, reading.error)];
  const { findings, objects, notChecked } = reading.value;
  return [
    ...findings.map(({ what, remedy }) => problem(name, what, remedy, runbook('LS508'))),
    ...notChecked.map((sentence) => note(name, `Not checked: ${sentence}`)),
    ...(findings.length + notChecked.length === 0
      ? [
          ok(
            name,
            `As the ledger says: ${objects} objects, indexes, constraints, partitions, unfinished steps.`,
          ),
        ]
      : []),
  ];
}

export function judgeMigrations(seen: MigrationsSeen): Judgement {
  const name = 'migrations';
  if (seen.kind === 'absent') return note(name, `Not compared: ${seen.why}`);
  if ('error' in seen.plan) {
    const { error } = seen.plan;
    return error.code.startsWith('LS3') ? unread(name, error) : ofError(name, error);
  }
  const plan = seen.plan.value;
  const refused = refusal(plan);
  if (refused) return ofError(name, refused);
  const pending = pendingNames(plan);
  if (pending.length > 0)
    return note(
      name,
      `${pending.length} to apply, the first is ${pending[0]}.`,
      '`lockstep up` applies what is pending.',
    );
  return ok(name, plan.ahead.length > 0 ? 'All applied; the database is ahead of them.' : 'All applied.');
}
