/** The compare-and-set register over one DynamoDB table. */
import {
  ConditionalCheckFailedException,
  type DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
} from '@aws-sdk/client-dynamodb';
import { LeaseAttribute, type LeaseRecord, type LeaseRegister } from '../../core/lease/index.ts';
import { fromItem, toItem } from './lease-item.ts';
import { leaseTableError } from './lease-table-error.ts';

const NO_RECORD_YET = 'attribute_not_exists(#target)';
const RECORD_AS_IT_WAS_READ = '#recordVersion = :versionRead';

export class DynamoLeaseRegister implements LeaseRegister {
  readonly #tableName: string;
  readonly #client: DynamoDBClient;

  constructor(tableName: string, client: DynamoDBClient) {
    this.#tableName = tableName;
    this.#client = client;
  }

  async read(target: string): Promise<LeaseRecord | undefined> {
    const command = new GetItemCommand({
      TableName: this.#tableName,
      Key: { [LeaseAttribute.target]: { S: target } },
      ConsistentRead: true,
    });
    const { Item } = await this.#client.send(command).catch((error: unknown) => this.#fail(error));
    return Item && fromItem(Item, this.#tableName);
  }

  async write(next: LeaseRecord, expectedVersion: string | undefined): Promise<'written' | 'conflict'> {
    const command = new PutItemCommand({
      TableName: this.#tableName,
      Item: toItem(next),
      ...conditionFor(expectedVersion),
    });
    try {
      await this.#client.send(command);
      return 'written';
    } catch (error) {
      if (error instanceof ConditionalCheckFailedException) return 'conflict';
      return this.#fail(error);
    }
  }

  #fail(error: unknown): never {
    throw leaseTableError(error, this.#tableName);
  }
}

const conditionFor = (expectedVersion: string | undefined) =>
  expectedVersion === undefined
    ? {
        ConditionExpression: NO_RECORD_YET,
        ExpressionAttributeNames: { '#target': LeaseAttribute.target },
      }
    : {
        ConditionExpression: RECORD_AS_IT_WAS_READ,
        ExpressionAttributeNames: { '#recordVersion': LeaseAttribute.recordVersion },
        ExpressionAttributeValues: { ':versionRead': { S: expectedVersion } },
      };
