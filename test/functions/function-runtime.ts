/**
 * Lambda's side of the functions, in the test's own process: the environment that the constructs would give
 * them, with a DynamoDB API, stand-ins for other services and a database behind it.
 */
import type { Context } from 'aws-lambda';
import { dynamoLeaseStore } from '../../lib/adapters/dynamodb/index.ts';
import type { LeaseStore } from '../../lib/core/lease/index.ts';
import { EnvName, type Run } from '../../lib/core/workflow/index.ts';
import { startDynalite } from '../support/dynalite.ts';
import { type LocalServices, startLocalAws } from '../support/local-aws.ts';

export const TARGET = 'orders';

export const contextOf = (timeoutMs = 60_000): Context => {
  const startedMs = performance.now();
  return {
    functionName: 'under-test',
    awsRequestId: 'request-1',
    getRemainingTimeInMillis: () => timeoutMs - (performance.now() - startedMs),
  } as Context;
};

export const executionArn = (name: string) =>
  `arn:aws:states:us-east-1:123456789012:execution:Lockstep:${name}`;
export const runOf = (name: string): Run => ({
  id: name,
  execution: executionArn(name),
  startedAt: new Date().toISOString(),
});

export interface FunctionRuntime {
  readonly leases: LeaseStore;
  close(): Promise<void>;
}

/** Call it before a handler is called for the first time: clients are made then and kept. */
export async function startFunctionRuntime(
  services: LocalServices,
  settings: Partial<Record<keyof typeof EnvName, string>> = {},
): Promise<FunctionRuntime> {
  const [dynalite, aws] = await Promise.all([startDynalite(), startLocalAws(services)]);
  const named = Object.entries(settings).map(([name, value]) => [
    EnvName[name as keyof typeof EnvName],
    value,
  ]);
  const environment = {
    AWS_ENDPOINT_URL: aws.endpoint,
    AWS_ENDPOINT_URL_DYNAMODB: dynalite.endpoint,
    AWS_REGION: 'us-east-1',
    AWS_ACCESS_KEY_ID: 'local',
    AWS_SECRET_ACCESS_KEY: 'local',
    [EnvName.target]: TARGET,
    [EnvName.leaseTable]: dynalite.tableName,
    ...Object.fromEntries(named),
  };
  Object.assign(process.env, environment);
  return {
    leases: dynamoLeaseStore({ tableName: dynalite.tableName, client: dynalite.client }),
    close: async () => {
      for (const name of Object.keys(environment)) delete process.env[name];
      await Promise.all([dynalite.close(), aws.stop()]);
    },
  };
}
