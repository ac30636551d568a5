/** Long work: the container, who may run it, and what the state machine does with it. */
import { Duration } from 'aws-cdk-lib';
import { Match, type Template } from 'aws-cdk-lib/assertions';
import { Cluster, ContainerImage, type ICluster } from 'aws-cdk-lib/aws-ecs';
import { beforeAll, describe, expect, test } from 'vitest';
import { TASK_RETRIES } from '../../lib/constructs/workflow-retry.ts';
import { StateName as S, TASK_START_SECONDS } from '../../lib/core/workflow/index.ts';
import { sectionsOf } from '../docs/markdown.ts';
import {
  coordinatorStack,
  inIsolatedSubnets,
  privateVpc,
  rdsInstance,
  SYNTHESIS_MS,
  VARIANTS,
} from './stacks.ts';
import { printed, rightsOf } from './statements.ts';
import { APPLIED, failing, longRunningDefinition, migrated, runMachine } from './workflow-machine.ts';

describe('what the construct makes', () => {
  let template: Template;
  beforeAll(() => {
    template = VARIANTS['tasks for long work']().template;
  }, SYNTHESIS_MS);

  const container = () => {
    const [definition] = Object.values(template.findResources('AWS::ECS::TaskDefinition'));
    return definition?.Properties.ContainerDefinitions[0];
  };

  test('a Fargate task that runs the program of the image, writes its log, and has half a minute to stop', () => {
    template.hasResourceProperties('AWS::ECS::TaskDefinition', {
      RequiresCompatibilities: ['FARGATE'],
      NetworkMode: 'awsvpc',
      Cpu: '256',
      Memory: '512',
      RuntimePlatform: { CpuArchitecture: 'X86_64', OperatingSystemFamily: 'LINUX' },
    });
    expect(container()).toMatchObject({
      Name: 'lockstep',
      EntryPoint: ['node', '/lockstep/dist/task/index.mjs'],
      StopTimeout: 30,
      ReadonlyRootFilesystem: true,
      LogConfiguration: { LogDriver: 'awslogs' },
    });
    expect(container()).not.toHaveProperty('User');
  });

  test('the container has the environment of the functions but for the bundle’s place, and no secret', () => {
    const inTask = Object.fromEntries(
      container().Environment.map(({ Name, Value }: { Name: string; Value: unknown }) => [
        Name,
        printed(Value),
      ]),
    );
    const [migrate] = Object.entries(template.findResources('AWS::Lambda::Function'))
      .filter(([id]) => id.includes('migrateFunction'))
      .map(([, { Properties }]) => Properties.Environment.Variables);
    const inFunction = Object.fromEntries(
      Object.entries(migrate).map(([name, value]) => [name, printed(value)]),
    );
    expect(inTask).toEqual({
      ...inFunction,
      LOCKSTEP_BUNDLE_PATH: '/lockstep/bundle.json',
      POWERTOOLS_TRACE_ENABLED: 'false',
    });
    // Two thirds of six hours.
    expect(inFunction.LOCKSTEP_TASK_TIMEOUT_SECONDS).toBe('14400');
    expect(container()).not.toHaveProperty('Secrets');
  });

  test('the task may log in and use the lease, and whoever starts it may pull its image and write its log', () => {
    expect(rightsOf(template, 'LongRunningTaskRole')).toEqual([
      'Allow dynamodb:GetItem dynamodb:PutItem on <LeaseTable.Arn>',
      'Allow secretsmanager:DescribeSecret secretsmanager:GetSecretValue on <DatabaseSecretAttachment>',
    ]);
    expect(rightsOf(template, 'LongRunningExecutionRole')).toEqual([
      expect.stringMatching(
        /^Allow ecr:BatchCheckLayerAvailability ecr:BatchGetImage ecr:GetDownloadUrlForLayer on arn:<Partition>:ecr:<Region>:<AccountId>:repository\/Fn::Sub cdk-hnb659fds-container-assets-[^ *]*$/,
      ),
      'Allow ecr:GetAuthorizationToken on *',
      'Allow logs:CreateLogStream logs:PutLogEvents on <LongRunningLogs.Arn>',
    ]);
    const trusted = Object.entries(template.findResources('AWS::IAM::Role'))
      .filter(([id]) => id.includes('LongRunning'))
      .map(([, { Properties }]) => printed(Properties.AssumeRolePolicyDocument.Statement));
    expect(new Set(trusted)).toEqual(
      new Set(['Action sts:AssumeRole Effect Allow Principal Service ecs-tasks.amazonaws.com']),
    );
  });

  test('the containers are started where the functions are, and reach AWS from isolated subnets', () => {
    const endpoints = Object.values(template.findResources('AWS::EC2::VPCEndpoint')).map(({ Properties }) =>
      printed(Properties.ServiceName).replace('com.amazonaws.<Region>.', ''),
    );
    expect(endpoints.toSorted()).toEqual(
      ['dynamodb', 'ecr.api', 'ecr.dkr', 'events', 'logs', 's3', 'secretsmanager', 'states'].toSorted(),
    );
  });

  test('the dashboard shows the errors of the task', () => {
    const [dashboard] = Object.values(template.findResources('AWS::CloudWatch::Dashboard'));
    expect(printed(dashboard?.Properties.DashboardBody)).toContain("SOURCE '<LongRunningLogs>'");
  });

  test('the cluster is watched, and empty but for tasks that run', () => {
    template.hasResourceProperties('AWS::ECS::Cluster', {
      ClusterSettings: [{ Name: 'containerInsights', Value: 'enabled' }],
    });
    template.resourceCountIs('AWS::ECS::Service', 0);
  });
});

describe('options', () => {
  const withOptions = (longRunning: object, more: object = {}) =>
    coordinatorStack((stack) => ({ ...inIsolatedSubnets(stack), longRunning, ...more })).template;

  test(
    'a cluster and an image of one’s own, size and time are taken',
    () => {
      const { template } = coordinatorStack((stack) => {
        const vpc = privateVpc(stack);
        return {
          vpc,
          database: rdsInstance(stack, vpc),
          longRunning: {
            cluster: new Cluster(stack, 'Own', { vpc }) as ICluster,
            image: ContainerImage.fromRegistry('registry.example.com/orders-migrations:1'),
            cpu: 1024,
            memoryLimitMiB: 2048,
            timeout: Duration.minutes(90),
          },
        };
      });
      template.resourceCountIs('AWS::ECS::Cluster', 1);
      template.hasResourceProperties('AWS::ECS::TaskDefinition', {
        Cpu: '1024',
        Memory: '2048',
        ContainerDefinitions: [
          Match.objectLike({
            Image: 'registry.example.com/orders-migrations:1',
            Environment: Match.arrayWith([{ Name: 'LOCKSTEP_TASK_TIMEOUT_SECONDS', Value: '5400' }]),
          }),
        ],
      });
      // Nothing of ECR: the image is the user's.
      expect(rightsOf(template, 'LongRunningExecutionRole')).toEqual([
        'Allow logs:CreateLogStream logs:PutLogEvents on <LongRunningLogs.Arn>',
      ]);
    },
    SYNTHESIS_MS,
  );

  test('a time that the run would not have is refused', () => {
    expect(() => withOptions({ timeout: Duration.hours(7) })).toThrow(
      'timeout of longRunning or runner is not between 1 minute and runTimeout',
    );
  });

  test('in isolated subnets a word about more endpoints is demanded', () => {
    expect(() =>
      coordinatorStack((stack) => {
        const { database, vpc } = inIsolatedSubnets(stack);
        return { database, vpc, longRunning: {} };
      }),
    ).toThrow('s3 (gateway), ecr.api, ecr.dkr and logs (interface)');
  });
});

describe('the state for long work', () => {
  const more = (next: 'function' | 'task') =>
    migrated('more', null, { next, task: { run: { id: 'run-1' }, bundleDigest: 'abc', toRevision: null } });

  test('gets the input as text, within what ECS takes, and its end is waited for', async () => {
    const { visited, inputs, output } = await runMachine(
      { [S.Migrate]: [more('task'), migrated('applied', APPLIED)] },
      longRunningDefinition,
    );
    expect(visited.slice(visited.indexOf(S.Migrate))).toEqual([
      S.Migrate,
      S.AllApplied,
      S.MigrateInTask,
      S.Migrate,
      S.AllApplied,
      S.ReleaseLease,
      S.SignalRollOut,
      S.Succeeded,
    ]);
    expect(inputs[S.MigrateInTask]).toEqual([
      {
        LaunchType: 'FARGATE',
        Cluster: expect.stringContaining(':cluster/'),
        TaskDefinition: expect.stringContaining(':task-definition/'),
        NetworkConfiguration: {
          AwsvpcConfiguration: {
            Subnets: ['subnet-1', 'subnet-2'],
            SecurityGroups: ['sg-1'],
            AssignPublicIp: 'DISABLED',
          },
        },
        Overrides: {
          ContainerOverrides: [
            {
              Name: 'lockstep',
              Environment: [
                {
                  Name: 'LOCKSTEP_TASK_INPUT',
                  Value: '{"run":{"id":"run-1"},"bundleDigest":"abc","toRevision":null}',
                },
              ],
            },
          ],
        },
      },
    ]);
    expect(output).toEqual(APPLIED);
    expect(longRunningDefinition.States[S.MigrateInTask]).toMatchObject({
      Resource: 'arn:aws:states:::ecs:runTask.sync',
      TimeoutSeconds: 4 * 3600 + TASK_START_SECONDS,
    });
  });

  test('is left out as long as functions will do', async () => {
    const { visited } = await runMachine(
      { [S.Migrate]: [more('function'), migrated('applied', APPLIED)] },
      longRunningDefinition,
    );
    expect(visited).not.toContain(S.MigrateInTask);
    expect(visited.filter((state) => state === S.Migrate)).toHaveLength(2);
  });

  test('whatever it fails with, Migrate is told, and says how the run goes on', async () => {
    for (const name of ['States.TaskFailed', 'States.Timeout', 'ECS.ServerException', 'AmazonECS.Unknown']) {
      const { visited, inputs } = await runMachine(
        {
          [S.Migrate]: [more('task'), failing('MigrationFailedError')],
          [S.MigrateInTask]: [failing(name)],
        },
        longRunningDefinition,
      );
      expect(inputs[S.Migrate]?.[1], name).toMatchObject({ progress: { taskError: { Error: name } } });
      expect(visited.slice(-4)).toEqual([S.RollBack, S.ReleaseLeaseAfterFailure, S.SignalRollBack, S.Failed]);
    }
  });

  test('is tried again by itself only when its container was not started, within half the lease', async () => {
    const tries = async (name: string) => {
      const { inputs } = await runMachine(
        { [S.Migrate]: [more('task'), migrated('applied', APPLIED)], [S.MigrateInTask]: [failing(name)] },
        longRunningDefinition,
      );
      return inputs[S.MigrateInTask]?.length;
    };
    expect(await tries('States.TaskFailed')).toBe(1);
    expect(await tries('States.Timeout')).toBe(1);
    expect(await tries('AmazonECS.Unknown')).toBe(7);
    const [{ IntervalSeconds, BackoffRate, MaxAttempts, MaxDelaySeconds }] = TASK_RETRIES;
    const waits = Array.from({ length: MaxAttempts }, (_, n) =>
      Math.min(MaxDelaySeconds, IntervalSeconds * BackoffRate ** n),
    );
    expect(waits.reduce((all, one) => all + one)).toBeLessThan(TASK_START_SECONDS * 0.6);
  });
});

test('docs/constructs.md tells what the state machine may do beyond', () => {
  const text = sectionsOf('docs/constructs.md').find(({ title }) => title === 'Long work')?.text ?? '';
  for (const action of ['ecs:RunTask', 'ecs:StopTask', 'ecs:DescribeTasks', 'iam:PassRole', 'events:PutRule'])
    expect(text).toContain(action);
});
