/** AWS Secrets Manager: reads only. */
import { AwsError, type Service } from './service.ts';

export function secretsService(secrets: ReadonlyMap<string, string>): Service {
  return {
    GetSecretValue: ({ SecretId }: { SecretId: string }) => {
      const value = secrets.get(SecretId);
      if (value === undefined) {
        throw new AwsError('ResourceNotFoundException', "Secrets Manager can't find the specified secret.");
      }
      return { ARN: SecretId, SecretString: value, VersionStages: ['AWSCURRENT'] };
    },
  };
}
