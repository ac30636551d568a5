import type { Link, Reading, Rights } from './facts.ts';
import { type Judgement, note, ok, problem, runbook, unread } from './judgement.ts';

const NAME = 'privileges';
const PAGE = 'docs/privileges.md';

export function judgeRights(reading: Reading<Rights>, { actingAs }: Link): Judgement {
  if ('error' in reading) return unread(NAME, reading.error);
  const { schema, mayCreateSchema, maySignal, grants } = reading.value;
  const ends = maySignal ? 'and end sessions of others' : 'and end sessions of its own';
  switch (schema) {
    case 'own':
      return ok(NAME, `${actingAs} owns the ledger: it may migrate ${ends}.`);
    case 'missing':
      return mayCreateSchema
        ? ok(NAME, `There is no ledger yet; ${actingAs} may make it ${ends}.`)
        : problem(
            NAME,
            `There is no ledger, and ${actingAs} may not make it.`,
            grants.schema,
            runbook('LS306'),
          );
    case 'readable':
      return note(
        NAME,
        `${actingAs} may read the ledger, and not migrate: another role owns it.`,
        null,
        `${PAGE}#one-role-for-one-database`,
      );
    case 'closed':
      return problem(NAME, `${actingAs} may not read the ledger.`, grants.ledger, runbook('LS306'));
    default:
      return schema satisfies never;
  }
}
