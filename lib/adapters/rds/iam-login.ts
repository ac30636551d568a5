import { Signer } from '@aws-sdk/rds-signer';
import { asLockstepError, LockstepError, NOTHING_CHANGED } from '../../core/errors/index.ts';

export interface IamLogin {
  readonly host: string;
  readonly port: number;
  readonly user: string;
}

/**
 * A password function for IAM login: a token signed here, without a call to any service, and valid for 15
 * minutes to begin a session. Throws LS302 when there are no credentials to sign with.
 */
export function iamPassword({ host, port, user }: IamLogin): () => Promise<string> {
  const signer = new Signer({ hostname: host, port, username: user });
  return async () => {
    try {
      return await signer.getAuthToken();
    } catch (cause) {
      throw new LockstepError('LS302', {
        what: `No IAM token could be made for ${user}: ${asLockstepError(cause).what}`,
        state: NOTHING_CHANGED,
        remedy: "Check the function's role and Region.",
        cause,
      });
    }
  };
}
