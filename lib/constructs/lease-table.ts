/**
 * The table that holds the lease: one item, never deleted, so that its fencing token only grows. A lost table is
 * not a lost database (the fence row in the ledger goes on refusing older tokens), but it is kept as if it were.
 */
import { RemovalPolicy, Stack } from 'aws-cdk-lib';
import { AttributeType, BillingMode, Table, TableEncryption } from 'aws-cdk-lib/aws-dynamodb';
import type { IGrantable } from 'aws-cdk-lib/aws-iam';
import { type IKey, ViaServicePrincipal } from 'aws-cdk-lib/aws-kms';
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
  grantLease(grantee: IGrantable): void {
    this.grant(grantee, 'dynamodb:GetItem', 'dynamodb:PutItem');
    const { region } = Stack.of(this);
    this.encryptionKey?.grantEncryptDecrypt(
      new ViaServicePrincipal(`dynamodb.${region}.amazonaws.com`, grantee.grantPrincipal),
    );
  }
}
