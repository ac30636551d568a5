/**
 * The database that is migrated, in the three ways a CDK app knows one, as what the functions need: where it is,
 * how to log in, who has to be let in, what a restore point is made of.
 */
import { ArnFormat, Stack, Tokenization } from 'aws-cdk-lib';
import type { IConnectable } from 'aws-cdk-lib/aws-ec2';
import type { IGrantable } from 'aws-cdk-lib/aws-iam';
import type { IDatabaseCluster, IDatabaseInstance } from 'aws-cdk-lib/aws-rds';
import type { ISecret } from 'aws-cdk-lib/aws-secretsmanager';
import type { Construct } from 'constructs';
import { EnvName } from '../core/workflow/state-name.ts';
import { refuse } from './refuse.ts';

/** A PostgreSQL server that is no RDS construct of the app: let `coordinator.connections` in yourself. */
export interface PlainDatabase {
  /** Host name of the server itself: not a proxy, not a pooler. */
  readonly host: string;
  /** @default 5432 */
  readonly port?: number;
}

/** With a secret that has `username` and `password`, or as an IAM user (which has the role `rds_iam`). */
export type DatabaseLogin = { readonly secret: ISecret } | { readonly iamUser: string };

export type MigrationDatabase = IDatabaseCluster | IDatabaseInstance | PlainDatabase;

/** What RDS makes a snapshot of. */
export interface SnapshotSource {
  readonly kind: 'rds-cluster' | 'rds-instance';
  readonly identifier: string;
  readonly arn: string;
}

export interface ResolvedDatabase {
  readonly environment: Readonly<Record<string, string>>;
  readonly snapshotSource: SnapshotSource | undefined;
  readonly usesSecret: boolean;
  /** With `username` and `password`; undefined with an IAM login. */
  readonly secret: ISecret | undefined;
  letIn(client: IConnectable): void;
  grantLogin(grantee: IGrantable): void;
}

const isCluster = (database: MigrationDatabase): database is IDatabaseCluster =>
  'clusterEndpoint' in database;
const isInstance = (database: MigrationDatabase): database is IDatabaseInstance =>
  'dbInstanceEndpointAddress' in database;

export function resolveDatabase(
  scope: Construct,
  database: MigrationDatabase,
  databaseName: string,
  givenLogin: DatabaseLogin | undefined,
): ResolvedDatabase {
  const login = givenLogin ?? ownLogin(scope, database);
  const { host, port } = endpointOf(database);
  return {
    environment: {
      [EnvName.databaseHost]: host,
      [EnvName.databasePort]: port,
      [EnvName.databaseName]: databaseName,
      [EnvName.databaseTls]: 'verify',
      ...('secret' in login
        ? { [EnvName.databaseSecretArn]: login.secret.secretArn }
        : { [EnvName.databaseUser]: login.iamUser }),
    },
    snapshotSource: snapshotSourceOf(scope, database),
    usesSecret: 'secret' in login,
    secret: 'secret' in login ? login.secret : undefined,
    letIn(client) {
      if (isCluster(database) || isInstance(database)) {
        // From the client's side: so the rule is part of the client's stack, and the database's stack depends on nothing.
        client.connections.allowToDefaultPort(database, 'Lockstep migrates this database');
      }
    },
    grantLogin(grantee) {
      if ('secret' in login) login.secret.grantRead(grantee);
      else if (isCluster(database) || isInstance(database)) database.grantConnect(grantee, login.iamUser);
      else
        refuse(
          scope,
          'A plain host has no IAM login: give login: { secret }, or the RDS construct as database.',
        );
    },
  };
}

/** The secret that CDK or RDS made with the database; its user owns it, which is more than migrations need. */
function ownLogin(scope: Construct, database: MigrationDatabase): DatabaseLogin {
  const secret = 'secret' in database ? (database.secret as ISecret | undefined) : undefined;
  if (!secret) refuse(scope, 'The database has no secret of its own: give login: { secret } or { iamUser }.');
  return { secret };
}

function endpointOf(database: MigrationDatabase): { readonly host: string; readonly port: string } {
  if (isCluster(database)) {
    // The writer's: a reader cannot migrate, a proxy would pin the session or break the advisory lock.
    return {
      host: database.clusterEndpoint.hostname,
      port: Tokenization.stringifyNumber(database.clusterEndpoint.port),
    };
  }
  if (isInstance(database)) {
    return { host: database.dbInstanceEndpointAddress, port: database.dbInstanceEndpointPort };
  }
  return { host: database.host, port: String(database.port ?? 5432) };
}

function snapshotSourceOf(scope: Construct, database: MigrationDatabase): SnapshotSource | undefined {
  if (isCluster(database)) {
    const identifier = database.clusterIdentifier;
    return { kind: 'rds-cluster', identifier, arn: rdsArn(scope, 'cluster', identifier) };
  }
  if (isInstance(database)) {
    const identifier = database.instanceIdentifier;
    return { kind: 'rds-instance', identifier, arn: rdsArn(scope, 'db', identifier) };
  }
  return undefined;
}

/** In the functions' own account and Region: a snapshot cannot be asked for across accounts. */
export const rdsArn = (scope: Construct, resource: string, resourceName: string): string =>
  Stack.of(scope).formatArn({
    service: 'rds',
    resource,
    resourceName,
    arnFormat: ArnFormat.COLON_RESOURCE_NAME,
  });
