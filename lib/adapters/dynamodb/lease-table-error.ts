/** What AWS says when a request fails, as LS404 with a remedy for each cause that a person can remove. */
import { LockstepError } from '../../core/errors/index.ts';

const STATE =
  'This call changed nothing in the database; a lease that is held stays so until its holder releases it or its duration is over.';

interface Cause {
  readonly what: (tableName: string, message: string) => string;
  readonly remedy: string;
}

const NO_CREDENTIALS: Cause = {
  what: (tableName) => `There are no valid AWS credentials to reach the lease table ${tableName}.`,
  remedy: 'Log in again, or give this process a role, and run the same command again.',
};

/** By the error's name. */
const CAUSES: Readonly<Record<string, Cause>> = {
  ResourceNotFoundException: {
    what: (tableName) => `The lease table ${tableName} does not exist in this account and Region.`,
    remedy: 'Correct the name of the table or the Region (AWS_REGION), or deploy the stack that creates it.',
  },
  AccessDeniedException: {
    what: (tableName) => `AWS does not allow this role to use the lease table ${tableName}.`,
    remedy:
      'Allow dynamodb:GetItem and dynamodb:PutItem on the table, and the use of its key if it has one of its own.',
  },
  ValidationException: {
    what: (tableName, message) => `The table ${tableName} cannot hold leases (${message}).`,
    remedy: 'Give the name of a table whose partition key is the string `target`, without a sort key.',
  },
  CredentialsProviderError: NO_CREDENTIALS,
  ExpiredTokenException: NO_CREDENTIALS,
  UnrecognizedClientException: NO_CREDENTIALS,
};

const NO_ANSWER: Cause = {
  what: (tableName, message) => `The lease table ${tableName} does not answer (${message}).`,
  remedy:
    'Run the same command again; if it fails again, check the network path to DynamoDB and the state of the service.',
};

export function leaseTableError(error: unknown, tableName: string): LockstepError {
  const { name, message } = error instanceof Error ? error : new Error(String(error));
  const cause = CAUSES[name] ?? NO_ANSWER;
  return new LockstepError('LS404', {
    what: cause.what(tableName, `${name}: ${message.replace(/\.$/, '')}`),
    state: STATE,
    remedy: cause.remedy,
    context: { table: tableName, awsError: name },
    cause: error,
  });
}

export const notALease = (tableName: string, target: string): LockstepError =>
  new LockstepError('LS404', {
    what: `The item ${target} in the table ${tableName} is not a lease.`,
    state: STATE,
    remedy:
      'Give the lease a table of its own; if something else wrote to that item, restore it from a backup.',
    context: { table: tableName, target },
  });
