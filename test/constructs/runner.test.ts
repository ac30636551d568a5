/** Another migrator: its container, who may run it, and what does not go together with it. */
import { Match, type Template } from 'aws-cdk-lib/assertions';
import { Platform } from 'aws-cdk-lib/aws-ecr-assets';
import { ContainerImage } from 'aws-cdk-lib/aws-ecs';
import { beforeAll, describe, expect, test } from 'vitest';
import { StateName as S } from '../../lib/core/workflow/index.ts';
import { codeBlocks } from '../docs/markdown.ts';
import { auroraStack, coordinatorStack, inIsolatedSubnets, SYNTHESIS_MS, VARIANTS } from './stacks.ts';
import { printed, rightsOf } from './statements.ts';
import { APPLIED, longRunningDefinition, migrated, runMachine } from './workflow-machine.ts';

const RUNNER = {
  command: ['alembic', 'upgrade', 'head'] as const,
  image: ContainerImage.fromRegistry('registry.example.com/orders:1'),
};

describe('what the construct makes', () => {
  let template: Template;
  beforeAll(() => {
    template = VARIANTS['another migrator']().template;
  }, SYNTHESIS_MS);

  test('a task of the user’s image, with lockstep exec in front of the command', () => {
    template.hasResourceProperties('AWS::ECS::TaskDefinition', {
      RequiresCompatibilities: ['FARGATE'],
      ContainerDefinitions: [
        Match.objectLike({
          Name: 'lockstep',
          Image: 'registry.example.com/orders:1',
          EntryPoint: ['lockstep'],
          // Two thirds of six hours.
          Command: ['exec', '--timeout', '14400s', '--', '/app/bin/alembic', 'upgrade', 'head'],
          StopTimeout: 30,
        }),
      ],
    });
  });

  test('the container knows where the database and the lease are; ECS puts the login in from its secret', () => {
    const [definition] = Object.values(template.findResources('AWS::ECS::TaskDefinition'));
    const [{ Environment, Secrets }] = definition?.Properties.ContainerDefinitions ?? [];
    const named = (list: { Name: string; Value?: unknown; ValueFrom?: unknown }[]) =>
      Object.fromEntries(list.map(({ Name, Value, ValueFrom }) => [Name, printed(Value ?? ValueFrom)]));
    expect(named(Environment)).toEqual({
      LOCKSTEP_TARGET: 'orders-production',
      LOCKSTEP_LEASE: 'dynamodb://<LeaseTable>',
      PGHOST: '<Database.Endpoint.Address>',
      PGPORT: '<Database.Endpoint.Port>',
      PGDATABASE: 'orders',
    });
    expect(named(Secrets)).toEqual({
      PGUSER: '<DatabaseSecretAttachment>:username::',
      PGPASSWORD: '<DatabaseSecretAttachment>:password::',
    });
  });

  test('the task may use the lease, and whoever starts it may read the login and write its log', () => {
    expect(rightsOf(template, 'RunnerTaskRole')).toEqual([
      'Allow dynamodb:GetItem dynamodb:PutItem on <LeaseTable.Arn>',
    ]);
    expect(rightsOf(template, 'RunnerExecutionRole')).toEqual([
      'Allow logs:CreateLogStream logs:PutLogEvents on <RunnerLogs.Arn>',
      'Allow secretsmanager:DescribeSecret secretsmanager:GetSecretValue on <DatabaseSecretAttachment>',
    ]);
  });

  test('the functions are told the name of the program, and to note a time as restore point', () => {
    const functions = Object.values(template.findResources('AWS::Lambda::Function'));
    const ofCoordinator = functions.filter(({ Properties }) => Properties.Environment?.Variables);
    for (const { Properties } of ofCoordinator)
      expect(Properties.Environment.Variables).toMatchObject({
        LOCKSTEP_COMMAND: 'alembic',
        LOCKSTEP_RESTORE_POINT_METHOD: 'point-in-time',
      });
    expect(ofCoordinator).toHaveLength(7);
  });

  test('the machine is that of long work', async () => {
    const toTask = migrated('more', null, { next: 'task', task: { run: { id: 'run-1' } } });
    const { visited } = await runMachine(
      { [S.Migrate]: [toTask, migrated('applied', APPLIED)] },
      longRunningDefinition,
    );
    expect(visited).toContain(S.MigrateInTask);
    const [machine] = Object.values(template.findResources('AWS::StepFunctions::StateMachine'));
    expect(printed(machine?.Properties.DefinitionString)).toContain(`"${S.MigrateInTask}"`);
  });
});

test(
  'docs/runner.md has an example that synthesizes',
  () => {
    const [block = ''] = codeBlocks('docs/runner.md', 'ts');
    const { template } = coordinatorStack((stack) => {
      const { database: cluster, vpc, createEndpoints } = inIsolatedSubnets(stack);
      // What is left of it then is the properties; an image would be of this whole checkout.
      const images = { fromAsset: () => RUNNER.image };
      const props = block.slice(block.indexOf('{'), block.lastIndexOf('}') + 1);
      const read = new Function('cluster', 'vpc', 'ContainerImage', 'Platform', `return (${props})`);
      return { ...read(cluster, vpc, images, Platform), createEndpoints };
    });
    template.hasResourceProperties('AWS::ECS::TaskDefinition', {
      ContainerDefinitions: [
        Match.objectLike({ Command: Match.arrayWith(['--', 'alembic', 'upgrade', 'head']) }),
      ],
    });
  },
  SYNTHESIS_MS,
);

test(
  'nothing of it is there without the option',
  () => {
    const { template } = auroraStack();
    template.resourceCountIs('AWS::ECS::TaskDefinition', 0);
    expect(JSON.stringify(template.toJSON())).not.toContain('LOCKSTEP_COMMAND');
  },
  SYNTHESIS_MS,
);

describe('it does not go together with', () => {
  const made = (more: object) => () =>
    coordinatorStack((stack) => ({ ...inIsolatedSubnets(stack), runner: RUNNER, ...more }));

  test.each([
    [{ migrations: './migrations' }, 'Exactly one of migrations'],
    [{ runner: undefined, migrations: undefined }, 'Exactly one of migrations'],
    [{ longRunning: {}, rollBackPolicy: 'down' }, 'longRunning, rollBackPolicy: these are for migrations'],
    [{ restorePoint: { when: 'when-destructive' } }, 'what a runner would destroy is not known'],
    [{ login: { iamUser: 'migrator' } }, 'give login: { secret }'],
  ])('%j', (more, message) => {
    expect(made(more)).toThrow(message);
  });
});
