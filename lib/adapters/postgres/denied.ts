/** A refusal for want of a privilege (LS306), with the grant that mends it. */
import { LockstepError } from '../../core/errors/index.ts';
import { identifier } from './sql.ts';

export function withGrant<E>(error: E, remedy: string): E | LockstepError {
  if (!(error instanceof LockstepError) || error.code !== 'LS306') return error;
  const { what, state, context, cause } = error;
  return new LockstepError('LS306', { what, state, remedy, context, cause });
}

interface Acting {
  readonly actingAs: string;
  readonly database: string;
}

/** To make the ledger: its schema is missing, or there and another role's. */
export function schemaGrant({ actingAs, database }: Acting, isMissing: boolean): string {
  const role = identifier(actingAs);
  return isMissing
    ? `Have an administrator run CREATE SCHEMA lockstep AUTHORIZATION ${role} in this database, or GRANT CREATE ON DATABASE ${identifier(database)} TO ${role}.`
    : `The schema lockstep belongs to another role: log in as that one, or have an administrator run ALTER SCHEMA lockstep OWNER TO ${role}.`;
}

/** To read the ledger, or to write it. */
export function ledgerGrant({ actingAs }: Acting): string {
  const role = identifier(actingAs);
  return `To read the ledger, GRANT USAGE ON SCHEMA lockstep TO ${role} and GRANT SELECT ON ALL TABLES IN SCHEMA lockstep TO ${role}; to migrate, log in as the role that owns the schema, or GRANT that role to ${role}.`;
}
