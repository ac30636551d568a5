import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { afterEach, describe, expect, test } from 'vitest';
import { readLogin } from '../../lib/adapters/secrets-manager/index.ts';
import { secretsService } from '../../lib/local/aws/secrets.ts';
import { AwsError, type Service } from '../../lib/local/aws/service.ts';
import { startLocalAws } from '../support/local-aws.ts';

const ARN = 'arn:aws:secretsmanager:eu-west-1:123456789012:secret:orders-AbCdEf';

let close: () => Promise<void> = async () => undefined;
afterEach(() => close());

async function clientOf(secrets: Service): Promise<SecretsManagerClient> {
  const { clientConfig, stop } = await startLocalAws({ secrets });
  const client = new SecretsManagerClient(clientConfig);
  close = async () => {
    client.destroy();
    await stop();
  };
  return client;
}

const withSecret = (content: string) => clientOf(secretsService(new Map([[ARN, content]])));

describe('the login in a secret', () => {
  test('is its username and password, whatever else RDS put into it', async () => {
    const client = await withSecret(
      '{"engine":"postgres","host":"x","username":"migrator","password":"p w\\u0027d"}',
    );
    expect(await readLogin(client, ARN)).toEqual({ username: 'migrator', password: "p w'd" });
  });

  test.each([
    ['text that is no JSON', 'hunter2'],
    ['JSON without a username', '{"password":"hunter2"}'],
    ['an empty password', '{"username":"hunter2","password":""}'],
  ])('is refused when the secret is %s, without a word of its content', async (_, content) => {
    const refused = await readLogin(await withSecret(content), ARN).catch((error: unknown) => error);
    expect(refused).toMatchObject({
      name: 'ConfigurationError',
      code: 'LS102',
      what: expect.stringContaining(ARN),
    });
    expect(String(refused)).not.toContain('hunter2');
  });

  test('is a matter of configuration when there is no such secret or it may not be read', async () => {
    await expect(readLogin(await clientOf(secretsService(new Map())), ARN)).rejects.toMatchObject({
      code: 'LS102',
    });
    await close();
    const denied = await clientOf({
      GetSecretValue: () => {
        throw new AwsError('AccessDeniedException', 'not authorized');
      },
    });
    await expect(readLogin(denied, ARN)).rejects.toMatchObject({
      code: 'LS102',
      what: expect.stringContaining('AccessDeniedException'),
    });
  });

  test('may be tried again when the service does not answer', async () => {
    const client = await clientOf({});
    await close();
    await expect(readLogin(client, ARN)).rejects.toMatchObject({ code: 'LS301', retryable: true });
    close = async () => undefined;
  });
});
