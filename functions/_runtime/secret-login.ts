import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { type Login, readLogin } from '../../lib/adapters/secrets-manager/index.ts';
import { awsClient } from './aws-clients.ts';
import type { DatabaseLogin } from './database.ts';

const client = awsClient((limits) => new SecretsManagerClient(limits));

/** Throws LS102, LS301. */
export async function secretLogin(secretArn: string): Promise<DatabaseLogin> {
  let justRead: Login | undefined = await readLogin(client(), secretArn);
  return {
    user: justRead.username,
    // The first connection follows at once; whoever connects later may meet a rotated password.
    password: async () => {
      const { password } = justRead ?? (await readLogin(client(), secretArn));
      justRead = undefined;
      return password;
    },
  };
}
