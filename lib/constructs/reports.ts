/**
 * Where reports of runs are kept: a bucket, and the function that writes there. It reads the ledger, so it is in the
 * network of the database; it may put objects under its prefix, and neither read, list nor delete any.
 */
import { Duration, RemovalPolicy, Stack } from 'aws-cdk-lib';
import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import type { LayerVersion } from 'aws-cdk-lib/aws-lambda';
import type { ILogGroup } from 'aws-cdk-lib/aws-logs';
import {
  BlockPublicAccess,
  Bucket,
  BucketEncryption,
  type IBucket,
  ObjectOwnership,
} from 'aws-cdk-lib/aws-s3';
import type { StateMachine } from 'aws-cdk-lib/aws-stepfunctions';
import { Construct } from 'constructs';
import { EnvName } from '../core/workflow/state-name.ts';
import { acknowledge, acknowledgeWildcard } from './acknowledge.ts';
import { createFunction } from './create-function.ts';
import type { ResolvedDatabase } from './database.ts';
import { REPORT_FUNCTIONS } from './function-settings.ts';
import type { Network } from './network.ts';
import { refuse } from './refuse.ts';
import type { ReportState } from './workflow-report.ts';

export interface ReportOptions {
  /**
   * One of your own: its encryption, and for how long it keeps objects, are yours to say.
   * @default one that is private, encrypted, and stays when the stack goes
   */
  readonly bucket?: IBucket;
  /** What keys begin with. @default 'lockstep/' */
  readonly prefix?: string;
  /** Of the bucket that is made: after how many days a report is deleted. @default 365 */
  readonly keepDays?: number;
}

export interface ReportsProps {
  readonly options: ReportOptions;
  readonly target: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly database: ResolvedDatabase;
  readonly network: Network;
  readonly bundle: LayerVersion;
  readonly encryptionKey: IKey | undefined;
}

export class Reports extends Construct {
  readonly bucket: IBucket;
  readonly state: ReportState;
  readonly logs: ILogGroup;

  constructor(scope: Construct, id: string, props: ReportsProps) {
    super(scope, id);
    const { options, environment, network, bundle, database, ...rest } = props;
    const { prefix = 'lockstep/', keepDays = 365 } = options;
    if (!Number.isInteger(keepDays) || keepDays < 1)
      refuse(this, 'reports.keepDays is not a whole number of days.');
    this.bucket = options.bucket ?? this.newBucket(keepDays, props.encryptionKey);
    const settings = REPORT_FUNCTIONS['keep-report'];
    const { lambda, role } = createFunction(this, 'keep-report', {
      ...rest,
      settings,
      environment: {
        ...environment,
        [EnvName.reportBucket]: this.bucket.bucketName,
        [EnvName.reportPrefix]: prefix,
      },
      besideTheDatabase: { network, bundle },
    });
    database.grantLogin(role);
    const objects = this.bucket.arnForObjects(`${prefix}*`);
    role.addToPolicy(new PolicyStatement({ actions: ['s3:PutObject'], resources: [objects] }));
    acknowledgeWildcard(role, objects, 'Reports are named after runs, which are named when they start.');
    if (this.bucket.encryptionKey) role.addToPolicy(this.useOfKey(this.bucket.encryptionKey));
    this.state = { functionArn: lambda.functionArn, timeout: settings.timeout };
    this.logs = lambda.logGroup;
  }

  grantInvoke(stateMachine: StateMachine): void {
    const resources = [this.state.functionArn];
    stateMachine.addToRolePolicy(new PolicyStatement({ actions: ['lambda:InvokeFunction'], resources }));
  }

  private newBucket(keepDays: number, encryptionKey: IKey | undefined): IBucket {
    const bucket = new Bucket(this, 'Bucket', {
      ...(encryptionKey
        ? { encryption: BucketEncryption.KMS, encryptionKey, bucketKeyEnabled: true }
        : { encryption: BucketEncryption.S3_MANAGED }),
      blockPublicAccess: BlockPublicAccess.BLOCK_ALL,
      objectOwnership: ObjectOwnership.BUCKET_OWNER_ENFORCED,
      enforceSSL: true,
      minimumTLSVersion: 1.2,
      lifecycleRules: [{ expiration: Duration.days(keepDays) }],
      removalPolicy: RemovalPolicy.RETAIN,
    });
    acknowledge(
      bucket,
      'S1',
      'Who reads reports is in CloudTrail, if its data events are recorded; logs of one more bucket say no more.',
    );
    return bucket as IBucket;
  }

  /** S3 encrypts with a key of one's own with the rights of whoever writes. */
  private useOfKey({ keyArn }: IKey): PolicyStatement {
    return new PolicyStatement({
      actions: ['kms:GenerateDataKey'],
      resources: [keyArn],
      conditions: { StringEquals: { 'kms:ViaService': `s3.${Stack.of(this).region}.amazonaws.com` } },
    });
  }
}
