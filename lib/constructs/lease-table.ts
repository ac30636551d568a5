/**
 * The table that holds the lease: one item, never deleted, so that its fencing token only grows. A lost table is
 * not a lost database (the fence row in the ledger goes on refusing older tokens), but it is kept as if it were.
 */
import { RemovalPolicy, Stack } from 'aws-cdk-lib';
import { AttributeType, BillingMode, Table, TableEncryption } from 'aws-cdk-lib/aws-dynamodb';
import { PolicyStatement, type Role } from 'aws-cdk-lib/aws-iam';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import type { Construct } from 'constructs';
import { LeaseAttribute } from '../core/lease/attributes.ts';

export class LeaseTable extends Table {
  constructor(scope: Construct, id: string, encryptionKey: IKey | undefined) {
    super(scope, id, {
      partitionKey: { name: LeaseAttribute.target, type: AttributeType.STRING },
      billingMode: BillingMode.PAY_PER_REQUEST,
      deletionProtection: true,
      pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: true },
      removalPolicy: RemovalPolicy.RETAIN,
      ...(encryptionKey
        ? { encryption: TableEncryption.CUSTOMER_MANAGED, encryptionKey }
        : { encryption: TableEncryption.AWS_MANAGED }),
    });
  }

  /** Reads and conditional puts; no delete, no scan: that is all the lease protocol does. */
  grantLease(role: Role): void {
    this.grant(role, 'dynamodb:GetItem', 'dynamodb:PutItem');
    if (this.encryptionKey) role.addToPolicy(this.useOfKey(this.encryptionKey));
  }

  /** DynamoDB uses a key of one's own with the rights of whoever calls it. */
  private useOfKey({ keyArn }: IKey): PolicyStatement {
    return new PolicyStatement({
      actions: KEY_ACTIONS,
      resources: [keyArn],
      conditions: {
        StringEquals: { 'kms:ViaService': `dynamodb.${Stack.of(this).region}.amazonaws.com` },
      },
    });
  }
}

/** Those that the documentation of DynamoDB asks for, but for kms:CreateGrant, which is for making the table. */
const KEY_ACTIONS = [
  'kms:Decrypt',
  'kms:DescribeKey',
  'kms:Encrypt',
  'kms:GenerateDataKey',
  'kms:GenerateDataKeyWithoutPlaintext',
  'kms:ReEncryptFrom',
  'kms:ReEncryptTo',
];
