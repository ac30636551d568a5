/** One function of Lockstep, with a role and a log group of its own. What it may do beyond logging is granted by others. */

import type { Role } from 'aws-cdk-lib/aws-iam';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import {
  Architecture,
  Function as LambdaFunction,
  type LayerVersion,
  LoggingFormat,
  Runtime,
  Tracing,
} from 'aws-cdk-lib/aws-lambda';
import { Construct } from 'constructs';
import type { AnyFunctionName } from '../core/workflow/state-name.ts';
import { functionCode, HANDLER } from './function-code.ts';
import { functionRole } from './function-role.ts';
import type { FunctionSettings } from './function-settings.ts';
import { logGroup } from './log-group.ts';
import type { Network } from './network.ts';

/** Enough for a bundle of thousands of migrations, and for a share of CPU that starts a function fast. */
const MEMORY_MB = 512;

export interface FunctionProps {
  readonly target: string;
  readonly settings: FunctionSettings;
  readonly environment: Readonly<Record<string, string>>;
  readonly encryptionKey: IKey | undefined;
  /** Of one that uses the database. */
  readonly besideTheDatabase?: { readonly network: Network; readonly bundle: LayerVersion };
}

export interface CreatedFunction {
  readonly lambda: LambdaFunction;
  readonly role: Role;
}

export function createFunction(
  parent: Construct,
  name: AnyFunctionName,
  props: FunctionProps,
): CreatedFunction {
  const { settings, besideTheDatabase: inside } = props;
  const scope = new Construct(parent, name);
  const logs = logGroup(scope, props.encryptionKey);
  const role = functionRole(scope, logs, inside !== undefined);
  const lambda = new LambdaFunction(scope, 'Function', {
    description: `Lockstep, ${props.target}: ${settings.description}`.slice(0, 256),
    runtime: Runtime.NODEJS_24_X,
    architecture: Architecture.ARM_64,
    code: functionCode(name),
    handler: HANDLER,
    memorySize: MEMORY_MB,
    timeout: settings.timeout,
    environment: props.environment,
    role,
    logGroup: logs,
    loggingFormat: LoggingFormat.JSON,
    tracing: Tracing.ACTIVE,
    ...(inside
      ? {
          vpc: inside.network.vpc,
          vpcSubnets: inside.network.subnets,
          securityGroups: [inside.network.securityGroup],
          layers: [inside.bundle],
        }
      : {}),
  });
  return { lambda, role };
}
