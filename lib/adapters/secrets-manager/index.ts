/**
 * Secrets of Secrets Manager: the database login, JSON with `username` and `password` as RDS writes it, and others as
 * they are.
 *
 * Invariants: the secret is read anew whenever somebody connects, because it may have been rotated; its
 * content is in no message, whatever is wrong with it. What can fail: LS102 when there is no such secret, it
 * may not be read or has another form; LS301 (retryable) when the service does not answer.
 */
import { GetSecretValueCommand, type SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import * as z from 'zod';
import { LockstepError, NOTHING_CHANGED } from '../../core/errors/index.ts';

const loginSchema = z.object({ username: z.string().min(1), password: z.string().min(1) });
export type Login = z.infer<typeof loginSchema>;

/** The secret as it is; empty when it is binary. */
export async function readSecret(client: SecretsManagerClient, secretArn: string): Promise<string> {
  return client.send(new GetSecretValueCommand({ SecretId: secretArn })).then(
    ({ SecretString }) => SecretString ?? '',
    (error: unknown) => {
      throw unreadable(secretArn, error);
    },
  );
}

export async function readLogin(client: SecretsManagerClient, secretArn: string): Promise<Login> {
  const login = loginSchema.safeParse(parseJson(await readSecret(client, secretArn)));
  if (login.success) return login.data;
  throw new LockstepError('LS102', {
    what: `The secret ${secretArn} is not a database login: it has to be JSON with username and password.`,
    state: NOTHING_CHANGED,
    remedy: 'Correct the secret, or name another one.',
  });
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** What only the caller or an administrator can mend. Anything else may pass by itself. */
const REFUSALS = [
  'AccessDeniedException',
  'DecryptionFailure',
  'InvalidParameterException',
  'InvalidRequestException',
  'ResourceNotFoundException',
];

function unreadable(secretArn: string, cause: unknown): LockstepError {
  const name = cause instanceof Error ? cause.name : String(cause);
  const refused = REFUSALS.includes(name);
  return new LockstepError(refused ? 'LS102' : 'LS301', {
    what: `The secret ${secretArn} could not be read: ${name}.`,
    state: NOTHING_CHANGED,
    remedy: refused
      ? 'Check that the secret exists and that the function may read it (also its KMS key).'
      : 'Check that the function reaches Secrets Manager: in isolated subnets it needs an interface endpoint.',
    cause,
  });
}
