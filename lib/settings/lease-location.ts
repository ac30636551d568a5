import type { LeaseStore } from '../core/lease/index.ts';

/** Where the lease is kept: in the database that is migrated, or in a DynamoDB table. */
export type LeaseLocation =
  | { readonly kind: 'postgres' }
  | { readonly kind: 'dynamodb'; readonly tableName: string };

/** Names of tables: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/HowItWorks.NamingRulesDataTypes.html */
const DYNAMODB = /^dynamodb:\/\/(?<tableName>[A-Za-z0-9_.-]{3,255})$/;

export function readLeaseLocation(text: string, problems: string[]): LeaseLocation {
  const tableName = DYNAMODB.exec(text)?.groups?.tableName;
  if (tableName !== undefined) return { kind: 'dynamodb', tableName };
  if (text !== 'postgres') problems.push(`the lease ${text} is neither postgres nor dynamodb://TABLE`);
  return { kind: 'postgres' };
}

/** Region, credentials and endpoint are those of the AWS SDK's environment. */
export async function openLeases(location: LeaseLocation): Promise<LeaseStore | 'postgres'> {
  if (location.kind === 'postgres') return 'postgres';
  const { dynamoLeaseStore } = await import('../adapters/dynamodb/index.ts');
  return dynamoLeaseStore({ tableName: location.tableName });
}
