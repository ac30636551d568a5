import { RemovalPolicy } from 'aws-cdk-lib';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import { LogGroup, type LogGroupProps, RetentionDays } from 'aws-cdk-lib/aws-logs';
import type { Construct } from 'constructs';

/** Kept for half a year, and gone with the stack: what was migrated is in the ledger. */
export const logGroup = (
  scope: Construct,
  encryptionKey: IKey | undefined,
  props: Pick<LogGroupProps, 'logGroupName'> = {},
): LogGroup =>
  new LogGroup(scope, 'Logs', {
    retention: RetentionDays.SIX_MONTHS,
    removalPolicy: RemovalPolicy.DESTROY,
    ...(encryptionKey ? { encryptionKey } : {}),
    ...props,
  });
