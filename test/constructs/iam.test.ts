/** What each role may do, to the letter: a right that is widened turns up here. */
import { Template } from 'aws-cdk-lib/assertions';
import { CURRENTLY_RECOMMENDED_FLAGS } from 'aws-cdk-lib/cx-api';
import { beforeAll, describe, expect, test } from 'vitest';
import { CoordinatorStack } from '../../lib/coordinator-stack.ts';
import {
  auroraStack,
  MIGRATIONS,
  newApp,
  SYNTHESIS_MS,
  VARIANT_NAMES,
  VARIANTS,
  type VariantName,
} from './stacks.ts';
import { policiesOf, printed, rightsOf } from './statements.ts';

const ROLES = {
  plan: 'planRole',
  'take-restore-point': 'takerestorepointRole',
  'acquire-lease': 'acquireleaseRole',
  migrate: 'migrateRole',
  'release-lease': 'releaseleaseRole',
  'roll-back': 'rollbackRole',
  'clean-up': 'cleanupRole',
} as const;
type FunctionName = keyof typeof ROLES;
const IN_VPC: readonly FunctionName[] = ['plan', 'migrate', 'roll-back', 'clean-up'];
const WITH_LEASE: readonly FunctionName[] = [
  'acquire-lease',
  'migrate',
  'release-lease',
  'roll-back',
  'clean-up',
];

const IN_REGION = '<Region>:<AccountId>';
const TRACES = 'Allow xray:PutTelemetryRecords xray:PutTraceSegments on *';
const logsOf = (name: FunctionName) =>
  `Allow logs:CreateLogStream logs:PutLogEvents on <${name.replaceAll('-', '')}Logs.Arn>`;
const INTERFACES = [
  'Allow ec2:AssignPrivateIpAddresses ec2:CreateNetworkInterface ec2:DeleteNetworkInterface ec2:UnassignPrivateIpAddresses on arn:<Partition>:ec2:<Region>:*:*/*',
  'Allow ec2:DescribeNetworkInterfaces ec2:DescribeSubnets on *',
  'Deny ec2:AssignPrivateIpAddresses ec2:CreateNetworkInterface ec2:DeleteNetworkInterface ec2:DescribeNetworkInterfaces ec2:DescribeSubnets ec2:UnassignPrivateIpAddresses on * if ArnLike lambda:SourceFunctionArn arn:*:lambda:*:*:function:*',
];
const LEASE = 'Allow dynamodb:GetItem dynamodb:PutItem on <LeaseTable.Arn>';
const secret = (resource: string) =>
  `Allow secretsmanager:DescribeSecret secretsmanager:GetSecretValue on ${resource}`;
const EXECUTIONS = `Allow states:DescribeExecution on arn:<Partition>:states:${IN_REGION}:execution:<StateMachine.Name>:*`;
const SIGNALS = `Allow events:PutEvents on arn:<Partition>:events:${IN_REGION}:event-bus/default if StringEquals events:source lockstep`;

const snapshots = (kind: 'Cluster' | '', snapshot: string, database: string) => [
  `Allow rds:AddTagsToResource rds:CreateDB${kind}Snapshot on arn:<Partition>:rds:${IN_REGION}:${snapshot}:lockstep-* if StringEquals aws:RequestTag/lockstep:target orders-production`,
  `Allow rds:CreateDB${kind}Snapshot on arn:<Partition>:rds:${IN_REGION}:${database}`,
  `Allow rds:DeleteDB${kind}Snapshot on arn:<Partition>:rds:${IN_REGION}:${snapshot}:lockstep-* if StringEquals aws:ResourceTag/lockstep:target orders-production`,
];
const CLUSTER_SNAPSHOTS = [
  ...snapshots('Cluster', 'cluster-snapshot', 'cluster:<Database>'),
  `Allow rds:DescribeDBClusters on arn:<Partition>:rds:${IN_REGION}:cluster:<Database>`,
  `Allow rds:DescribeDBInstances on arn:<Partition>:rds:${IN_REGION}:db:*`,
  `Allow rds:DescribeDBClusterSnapshots on arn:<Partition>:rds:${IN_REGION}:cluster-snapshot:* and arn:<Partition>:rds:${IN_REGION}:cluster:<Database>`,
];
const OUR_CLUSTERS = `arn:<Partition>:rds:${IN_REGION}:cluster:lockstep-*`;
const CLONES = [
  `Allow rds:AddTagsToResource on ${OUR_CLUSTERS} if StringEquals aws:RequestTag/lockstep:target orders-production`,
  `Allow rds:RestoreDBClusterToPointInTime on ${OUR_CLUSTERS} if StringEquals aws:RequestTag/lockstep:target orders-production`,
  `Allow rds:RestoreDBClusterToPointInTime on arn:<Partition>:rds:${IN_REGION}:cluster-pg:* and arn:<Partition>:rds:${IN_REGION}:cluster:<Database> and arn:<Partition>:rds:${IN_REGION}:og:* and arn:<Partition>:rds:${IN_REGION}:subgrp:*`,
  `Allow rds:DeleteDBCluster on ${OUR_CLUSTERS} if StringEquals aws:ResourceTag/lockstep:target orders-production`,
  `Allow rds:DescribeDBClusters on arn:<Partition>:rds:${IN_REGION}:cluster:*`,
];
const instanceSnapshots = (id: string) => [
  ...snapshots('', 'snapshot', `db:${id}`),
  `Allow rds:DescribeDBInstances on arn:<Partition>:rds:${IN_REGION}:db:${id}`,
  `Allow rds:DescribeDBSnapshots on arn:<Partition>:rds:${IN_REGION}:db:${id} and arn:<Partition>:rds:${IN_REGION}:snapshot:*`,
];

/** Beside logs, traces and network interfaces. */
const OF_ITS_OWN: Readonly<Record<FunctionName, readonly string[]>> = {
  plan: [secret('<DatabaseSecretAttachment>')],
  'take-restore-point': CLUSTER_SNAPSHOTS,
  'acquire-lease': [LEASE, EXECUTIONS],
  migrate: [LEASE, secret('<DatabaseSecretAttachment>')],
  'release-lease': [LEASE],
  'roll-back': [LEASE, secret('<DatabaseSecretAttachment>')],
  'clean-up': [
    LEASE,
    secret('<DatabaseSecretAttachment>'),
    EXECUTIONS,
    SIGNALS,
    'Allow sqs:GetQueueAttributes sqs:GetQueueUrl sqs:SendMessage on <CleanUpDeadLetters.Arn>',
  ],
};

let common: Template;
beforeAll(() => {
  common = auroraStack().template;
}, SYNTHESIS_MS);

const INVOKED = ['acquirelease', 'migrate', 'plan', 'releaselease', 'rollback', 'takerestorepoint'].map(
  (name) => `<${name}Function.Arn>`,
);

describe('the rights of a role, and no more', () => {
  test.each(Object.keys(ROLES) as FunctionName[])('%s', (name) => {
    const expected = [
      logsOf(name),
      TRACES,
      ...(IN_VPC.includes(name) ? INTERFACES : []),
      ...OF_ITS_OWN[name],
    ];
    expect(rightsOf(common, ROLES[name])).toEqual(expected.toSorted());
  });

  test('the state machine', () => {
    expect(rightsOf(common, 'StateMachineRole')).toEqual([
      SIGNALS,
      `Allow lambda:InvokeFunction on ${INVOKED.join(' and ')}`,
      'Allow logs:CreateLogDelivery logs:DeleteLogDelivery logs:DescribeLogGroups logs:DescribeResourcePolicies logs:GetLogDelivery logs:ListLogDeliveries logs:PutResourcePolicy logs:UpdateLogDelivery on *',
      'Allow xray:GetSamplingRules xray:GetSamplingTargets xray:PutTelemetryRecords xray:PutTraceSegments on *',
    ]);
  });

  test('there are no other roles, and none has a managed policy or can be assumed by anyone but its service', () => {
    const roles = Object.values(common.findResources('AWS::IAM::Role')).map(({ Properties }) => Properties);
    const holders = new Set(policiesOf(common).flatMap((policy) => policy.roles));
    expect([...holders].toSorted()).toEqual([...Object.values(ROLES), 'StateMachineRole'].toSorted());
    expect(roles).toHaveLength(holders.size);
    expect(roles.filter(({ ManagedPolicyArns }) => ManagedPolicyArns)).toEqual([]);
    const trusted = roles.map((role) => printed(role.AssumeRolePolicyDocument.Statement));
    expect(new Set(trusted)).toEqual(
      new Set([
        'Action sts:AssumeRole Effect Allow Principal Service lambda.amazonaws.com',
        `Action sts:AssumeRole Condition ArnLike aws:SourceArn arn:<Partition>:states:${IN_REGION}:stateMachine:* StringEquals aws:SourceAccount <AccountId> Effect Allow Principal Service states.amazonaws.com`,
      ]),
    );
  });

  test('the dead letters and clean-up are open to the rule of this coordinator only', () => {
    const [queue] = Object.values(common.findResources('AWS::SQS::QueuePolicy'));
    expect(queue?.Properties.PolicyDocument.Statement.map(printed)).toEqual([
      'Action sqs:* Condition Bool aws:SecureTransport false Effect Deny Principal AWS * Resource <CleanUpDeadLetters.Arn>',
      expect.stringMatching(
        /^Action sqs:SendMessage Condition ArnEquals aws:SourceArn <StoppedRuns.Arn> Effect Allow Principal Service events.amazonaws.com Resource <CleanUpDeadLetters.Arn>/,
      ),
    ]);
    common.resourceCountIs('AWS::Lambda::Permission', 1);
    const [permission] = Object.values(common.findResources('AWS::Lambda::Permission'));
    expect(printed(permission?.Properties)).toBe(
      'Action lambda:InvokeFunction FunctionName <cleanupFunction.Arn> Principal events.amazonaws.com SourceArn <StoppedRuns.Arn>',
    );
  });
});

describe('other rights than in the common case', () => {
  /** Role and right: `+` is more than there, `-` is less. */
  function difference(template: Template): string[] {
    const compare = (role: string) => {
      const [here, there] = [rightsOf(template, role), rightsOf(common, role)];
      return [
        ...here.filter((right) => !there.includes(right)).map((right) => `${role} + ${right}`),
        ...there.filter((right) => !here.includes(right)).map((right) => `${role} - ${right}`),
      ];
    };
    return [...Object.values(ROLES), 'StateMachineRole'].flatMap(compare);
  }
  const take = (sign: '+' | '-', rights: readonly string[]) =>
    rights.map((right) => `${ROLES['take-restore-point']} ${sign} ${right}`);
  const login = (right: string) =>
    IN_VPC.flatMap((name) => [
      `${ROLES[name]} + ${right}`,
      `${ROLES[name]} - ${secret('<DatabaseSecretAttachment>')}`,
    ]);
  const runTasks = (id: string) => [
    `StateMachineRole + Allow ecs:RunTask on <${id}TaskDefinition> if ArnEquals ecs:cluster <${id}Cluster.Arn>`,
    `StateMachineRole + Allow ecs:DescribeTasks ecs:StopTask on arn:<Partition>:ecs:${IN_REGION}:task/<${id}Cluster>/*`,
    `StateMachineRole + Allow iam:PassRole on <${id}ExecutionRole.Arn> and <${id}TaskRole.Arn> if StringEquals iam:PassedToService ecs-tasks.amazonaws.com`,
    `StateMachineRole + Allow events:DescribeRule events:PutRule events:PutTargets on arn:<Partition>:events:${IN_REGION}:rule/StepFunctionsGetEventsForECSTaskRule`,
  ];
  const ONLY_FOR_EXECUTIONS =
    'Allow kms:Decrypt on <Key.Arn> if StringEquals kms:EncryptionContext:aws:states:stateMachineArn <StateMachine>';
  const REHEARSALS = ['makecopy', 'rehearse', 'removecopies'].map(
    (name) => `<Rehearsals${name}Function.Arn>`,
  );
  const invoke = (functions: readonly string[]) =>
    `Allow lambda:InvokeFunction on ${functions.toSorted().join(' and ')}`;
  /** Their own roles are in rehearsal.test.ts. */
  const INVOKES_REHEARSALS = [
    `StateMachineRole + ${invoke([...INVOKED, ...REHEARSALS])}`,
    `StateMachineRole - ${invoke(INVOKED)}`,
  ];

  const EXPECTED: Readonly<Record<VariantName, readonly string[]>> = {
    'an RDS instance in private subnets': [
      ...take('+', instanceSnapshots('<Database>')),
      ...take('-', CLUSTER_SNAPSHOTS),
    ],
    'a plain host with a secret': [...login(secret('<Login>')), ...take('-', CLUSTER_SNAPSHOTS)],
    'IAM login': login(
      `Allow rds-db:connect on arn:<Partition>:rds-db:${IN_REGION}:dbuser:<Database.DBClusterResourceId>/migrator`,
    ),
    'a key of its own': [
      ...WITH_LEASE.map(
        (name) =>
          `${ROLES[name]} + Allow kms:Decrypt kms:DescribeKey kms:Encrypt kms:GenerateDataKey kms:GenerateDataKeyWithoutPlaintext kms:ReEncryptFrom kms:ReEncryptTo on <Key.Arn> if StringEquals kms:ViaService dynamodb.<Region>.amazonaws.com`,
      ),
      `acquireleaseRole + ${ONLY_FOR_EXECUTIONS}`,
      `cleanupRole + ${ONLY_FOR_EXECUTIONS}`,
      `StateMachineRole + Allow kms:Decrypt kms:GenerateDataKey on <Key.Arn> if StringEquals kms:EncryptionContext:aws:states:stateMachineArn arn:<Partition>:states:${IN_REGION}:stateMachine:Test-Coordinator-Workflow-9C7E86BC`,
      `StateMachineRole + Allow kms:GenerateDataKey on <Key.Arn> if StringEquals kms:EncryptionContext:SourceArn arn:<Partition>:logs:${IN_REGION}:*`,
    ],
    'no restore point': take('-', CLUSTER_SNAPSHOTS),
    'a clone as restore point': [
      ...take('+', CLONES),
      ...take(
        '-',
        CLUSTER_SNAPSHOTS.filter((right) => right.includes('Snapshot')),
      ),
    ],
    'tasks for long work': runTasks('LongRunning'),
    'another migrator': [
      ...runTasks('Runner'),
      ...take(
        '-',
        CLUSTER_SNAPSHOTS.filter((right) => right.includes('Snapshot')),
      ),
    ],
    'bundles that are published and signed': [
      ...runTasks('LongRunning'),
      ...IN_VPC.flatMap((name) => [
        `${ROLES[name]} + Allow s3:GetObjectVersion on <Releases.Arn>/orders/*`,
        `${ROLES[name]} + Allow kms:Verify on <SigningKey.Arn>`,
      ]),
    ],
    'reports of runs': ['StateMachineRole + Allow lambda:InvokeFunction on <ReportskeepreportFunction.Arn>'],
    'plans that wait for a person': ['StateMachineRole + Allow sns:Publish on <Approvals>'],
    'rehearsals on clones': INVOKES_REHEARSALS,
    'rehearsals on restored instances': [
      ...INVOKES_REHEARSALS,
      ...take('+', instanceSnapshots('<Database>')),
      ...take('-', CLUSTER_SNAPSHOTS),
    ],
    'a database of another stack': [
      ...login(secret(`arn:<Partition>:secretsmanager:${IN_REGION}:secret:orders/migrator-??????`)),
      ...take('+', instanceSnapshots('orders')),
      ...take('-', CLUSTER_SNAPSHOTS),
    ],
  };

  test.each(VARIANT_NAMES)(
    '%s',
    (name) => {
      expect(difference(VARIANTS[name]().template).toSorted()).toEqual(EXPECTED[name].toSorted());
    },
    SYNTHESIS_MS,
  );
});

describe('a resource with a star', () => {
  /** All that AWS offers nothing narrower for, and why. Whatever else has a star has to be said here first. */
  const WHY: readonly (readonly [reason: string, actions: readonly string[], resource: string])[] = [
    [
      'X-Ray has no resources to name',
      [
        'xray:PutTelemetryRecords',
        'xray:PutTraceSegments',
        'xray:GetSamplingRules',
        'xray:GetSamplingTargets',
      ],
      '*',
    ],
    [
      'log deliveries have no resources to name',
      [
        'logs:CreateLogDelivery',
        'logs:DeleteLogDelivery',
        'logs:DescribeLogGroups',
        'logs:DescribeResourcePolicies',
        'logs:GetLogDelivery',
        'logs:ListLogDeliveries',
        'logs:PutResourcePolicy',
        'logs:UpdateLogDelivery',
      ],
      '*',
    ],
    [
      "EC2's Describe actions have no resources to name",
      ['ec2:DescribeNetworkInterfaces', 'ec2:DescribeSubnets'],
      '*',
    ],
    [
      'Lambda makes the interfaces, which have no names before, in subnets that another account may share',
      [
        'ec2:AssignPrivateIpAddresses',
        'ec2:CreateNetworkInterface',
        'ec2:DeleteNetworkInterface',
        'ec2:UnassignPrivateIpAddresses',
      ],
      'arn:<Partition>:ec2:<Region>:*:*/*',
    ],
    [
      'executions are named when they start',
      ['states:DescribeExecution'],
      `arn:<Partition>:states:${IN_REGION}:execution:<StateMachine.Name>:*`,
    ],
    ['bundles are named when they are published', ['s3:GetObjectVersion'], '<Releases.Arn>/orders/*'],
    [
      'reports are named after runs, which are named when they start',
      ['s3:PutObject'],
      '<ReportsBucket.Arn>/lockstep/*',
    ],
    ['ECR has no resource to name for a token', ['ecr:GetAuthorizationToken'], '*'],
    ...(['LongRunning', 'Runner'] as const).map(
      (id) =>
        [
          'tasks are named when they start',
          ['ecs:DescribeTasks', 'ecs:StopTask'],
          `arn:<Partition>:ecs:${IN_REGION}:task/<${id}Cluster>/*`,
        ] as const,
    ),
    [
      'a listing is checked against all instances, whatever its filter',
      ['rds:DescribeDBInstances'],
      `arn:<Partition>:rds:${IN_REGION}:db:*`,
    ],
    [
      'a listing is checked against all clusters, whatever its filter',
      ['rds:DescribeDBClusters'],
      `arn:<Partition>:rds:${IN_REGION}:cluster:*`,
    ],
    [
      'clones are named per run; the tag narrows them to one target',
      ['rds:RestoreDBClusterToPointInTime', 'rds:DeleteDBCluster', 'rds:AddTagsToResource'],
      `arn:<Partition>:rds:${IN_REGION}:cluster:lockstep-*`,
    ],
    [
      'copies are named per run; the tag narrows them to one target',
      [
        'rds:RestoreDBClusterToPointInTime',
        'rds:DeleteDBCluster',
        'rds:CreateDBInstance',
        'rds:AddTagsToResource',
      ],
      `arn:<Partition>:rds:${IN_REGION}:cluster:lockstep-copy-*`,
    ],
    [
      'copies are named per run; the tag narrows them to one target',
      [
        'rds:RestoreDBInstanceToPointInTime',
        'rds:CreateDBInstance',
        'rds:DeleteDBInstance',
        'rds:AddTagsToResource',
      ],
      `arn:<Partition>:rds:${IN_REGION}:db:lockstep-copy-*`,
    ],
    ...(['cluster-pg', 'pg', 'og', 'subgrp'] as const).map(
      (kind) =>
        [
          'a copy gets the groups of the database, whatever they are called then',
          kind === 'cluster-pg'
            ? ['rds:RestoreDBClusterToPointInTime']
            : [
                'rds:CreateDBInstance',
                'rds:RestoreDBInstanceToPointInTime',
                ...(kind === 'pg' ? [] : ['rds:RestoreDBClusterToPointInTime']),
              ],
          `arn:<Partition>:rds:${IN_REGION}:${kind}:*`,
        ] as const,
    ),
    ...(['cluster-snapshot', 'snapshot'] as const).flatMap((snapshot) => {
      const kind = snapshot === 'snapshot' ? '' : 'Cluster';
      return [
        [
          'snapshots are named per run; the tag narrows them to one target',
          [`rds:CreateDB${kind}Snapshot`, `rds:DeleteDB${kind}Snapshot`, 'rds:AddTagsToResource'],
          `arn:<Partition>:rds:${IN_REGION}:${snapshot}:lockstep-*`,
        ],
        [
          'a listing is checked against all snapshots, whatever its filter',
          [`rds:DescribeDB${kind}Snapshots`],
          `arn:<Partition>:rds:${IN_REGION}:${snapshot}:*`,
        ],
      ] as const;
    }),
  ];

  function starred(template: Template): string[] {
    const statements = policiesOf(template).flatMap((policy) => policy.statements);
    return statements
      .filter(({ effect }) => effect === 'Allow')
      .flatMap(({ actions, resources }) =>
        resources
          .filter((resource) => resource.includes('*'))
          .flatMap((resource) => actions.map((action) => `${action} on ${resource}`)),
      );
  }

  test('is only where AWS offers nothing narrower', () => {
    const templates = [
      common,
      // As `cdk init` sets them; some change how statements are written.
      auroraStack(CURRENTLY_RECOMMENDED_FLAGS).template,
      Template.fromStack(new CoordinatorStack(newApp(), 'Lockstep', { migrations: MIGRATIONS })),
      ...VARIANT_NAMES.map((name) => VARIANTS[name]().template),
    ];
    const found = templates.flatMap(starred);
    const explained = WHY.flatMap(([, actions, resource]) =>
      actions.map((action) => `${action} on ${resource}`),
    );
    expect([...new Set(found)].toSorted()).toEqual(explained.toSorted());
  });

  test('is in no action', () => {
    const actions = policiesOf(common).flatMap(({ statements }) => statements.flatMap((s) => s.actions));
    expect(actions.filter((action) => action.includes('*'))).toEqual([]);
  });
});
