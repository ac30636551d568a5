/** Rehearsals: the option of the construct, and what it makes for copies. What the functions do is tested with them. */
import { Duration } from 'aws-cdk-lib';
import { Match, type Template } from 'aws-cdk-lib/assertions';
import { type ISecret, Secret } from 'aws-cdk-lib/aws-secretsmanager';
import { beforeAll, describe, expect, test } from 'vitest';
import { StateName as S } from '../../lib/core/workflow/index.ts';
import {
  coordinatorStack,
  inIsolatedSubnets,
  privateVpc,
  rdsInstance,
  SYNTHESIS_MS,
  TARGET,
} from './stacks.ts';
import { rightsOf } from './statements.ts';
import { APPLIED, failing, planned, rehearsalDefinition, runMachine } from './workflow-machine.ts';

describe('a rehearsal', { timeout: SYNTHESIS_MS }, () => {
  const settings = (given: { rehearsal?: 'required' }) => {
    const { template } = coordinatorStack((stack) => ({ ...inIsolatedSubnets(stack), ...given }));
    return Object.entries(template.findResources('AWS::Lambda::Function'))
      .filter(([id]) => id.includes('planFunction'))
      .map(([, { Properties }]) => Properties.Environment.Variables.LOCKSTEP_REHEARSAL);
  };

  test('is required where that is said, and nowhere else', () => {
    expect(settings({ rehearsal: 'required' })).toEqual(['required']);
    expect(settings({})).toEqual([undefined]);
  });

  test('cannot be required of contract runs that begin by themselves', () => {
    const withContract = (contract: boolean) =>
      coordinatorStack((stack) => ({
        ...inIsolatedSubnets(stack),
        rehearsal: 'required',
        afterRollOut: {
          follow: { service: { serviceName: 'orders', cluster: { clusterName: 'apps' } } },
          contract,
        },
      }));
    expect(() => withContract(true)).toThrow('write contract: false');
    expect(() => withContract(false)).not.toThrow();
  });
});

describe('copies that the coordinator makes', { timeout: SYNTHESIS_MS }, () => {
  const arn = (name: string) => `arn:<Partition>:rds:<Region>:<AccountId>:${name}`;
  const rehearsal = { maxBlocked: Duration.seconds(2) };
  let template: Template;
  beforeAll(() => {
    template = coordinatorStack((stack) => ({
      ...inIsolatedSubnets(stack),
      target: TARGET,
      rehearsal,
    })).template;
  }, SYNTHESIS_MS);
  /** Beyond its logs and traces. */
  const rights = (of: Template, role: string) =>
    rightsOf(of, role).filter((right) => right.includes(' rds:'));
  const asked = ` if StringEquals aws:RequestTag/lockstep:copy-of ${TARGET}`;
  const tagged = ` if StringEquals aws:ResourceTag/lockstep:copy-of ${TARGET}`;

  test('of a cluster: clones of it alone, of names and tags of their own', () => {
    const [cluster, instance] = [arn('cluster:lockstep-copy-*'), arn('db:lockstep-copy-*')];
    const of = (...names: string[]) => names.map(arn).toSorted().join(' and ');
    expect(rights(template, 'RehearsalsmakecopyRole')).toEqual(
      [
        `Allow rds:RestoreDBClusterToPointInTime on ${of('cluster:<Database>', 'cluster-pg:*', 'og:*', 'subgrp:*')}`,
        `Allow rds:RestoreDBClusterToPointInTime on ${cluster}${asked}`,
        `Allow rds:CreateDBInstance on ${of('pg:*', 'og:*', 'subgrp:*')}`,
        `Allow rds:CreateDBInstance on ${cluster} and ${instance}${asked}`,
        `Allow rds:AddTagsToResource on ${cluster} and ${instance}${asked}`,
        `Allow rds:DescribeDBClusters on ${arn('cluster:*')}`,
        `Allow rds:DescribeDBInstances on ${arn('db:*')}`,
      ].toSorted(),
    );
    expect(rights(template, 'RehearsalsremovecopiesRole')).toEqual(
      [
        `Allow rds:DeleteDBCluster on ${cluster}${tagged}`,
        `Allow rds:DeleteDBInstance on ${instance}${tagged}`,
        `Allow rds:DescribeDBClusters on ${arn('cluster:*')}`,
        `Allow rds:DescribeDBInstances on ${arn('db:*')}`,
      ].toSorted(),
    );
    expect(rights(template, 'RehearsalsrehearseRole')).toEqual([]);
  });

  test('of an instance: restores of it alone', () => {
    const instance = coordinatorStack((stack) => {
      const vpc = privateVpc(stack);
      return { database: rdsInstance(stack, vpc), vpc, target: TARGET, rehearsal: {} };
    }).template;
    const groups = ['og:*', 'pg:*', 'subgrp:*'].map(arn);
    expect(rights(instance, 'RehearsalsmakecopyRole')).toEqual(
      [
        `Allow rds:RestoreDBInstanceToPointInTime on ${[arn('db:<Database>'), ...groups].join(' and ')}`,
        `Allow rds:RestoreDBInstanceToPointInTime on ${arn('db:lockstep-copy-*')}${asked}`,
        `Allow rds:AddTagsToResource on ${arn('db:lockstep-copy-*')}${asked}`,
        `Allow rds:DescribeDBInstances on ${arn('db:*')}`,
      ].toSorted(),
    );
    expect(rights(instance, 'RehearsalsremovecopiesRole')).toEqual([
      `Allow rds:DeleteDBInstance on ${arn('db:lockstep-copy-*')}${tagged}`,
      `Allow rds:DescribeDBInstances on ${arn('db:*')}`,
    ]);
  });

  test('are looked for every hour, and an alarm tells of one that stays', () => {
    template.hasResourceProperties('AWS::Events::Rule', { ScheduleExpression: 'rate(1 hour)' });
    template.hasResourceProperties('AWS::CloudWatch::Alarm', {
      AlarmDescription: Match.stringLikeRegexp('could not be removed.*#alarm-copy-left$'),
    });
  });

  test('nothing of it is there without the option', () => {
    const without = JSON.stringify(coordinatorStack(inIsolatedSubnets).template.toJSON());
    expect(without).not.toMatch(/rehears|make-copy|remove-copies|lockstep-copy/i);
  });

  test('are refused where none can be made', () => {
    const plain = () =>
      coordinatorStack((stack) => ({
        database: { host: 'db.example.com' },
        login: { secret: new Secret(stack, 'Login') as ISecret },
        vpc: privateVpc(stack),
        rehearsal: {},
      }));
    expect(plain).toThrow('Copies for a rehearsal are made of RDS and Aurora only');
  });
});

describe('the states', () => {
  const copy = { status: 'creating', id: 'lockstep-copy-1', waitSeconds: 0, waitedSeconds: 0 };
  const ready = { ...copy, status: 'ready', host: 'copy', port: 5432 };
  const plan = { pendingCount: 2, toRevision: null, phase: null, bundle: null };
  const asked = (status: string) => ({
    ...planned('pending'),
    plan,
    rehearsal: { status, tries: 1, copy },
  });
  const run = (answers: Parameters<typeof runMachine>[0]) =>
    runMachine(
      { [S.Plan]: [asked('needed')], [S.RemoveCopy]: [{}], [S.KeepReport]: [APPLIED], ...answers },
      rehearsalDefinition,
    );
  const upToRestorePoint = (visited: readonly string[]) =>
    visited.slice(0, visited.indexOf(S.TakeRestorePoint));

  test('wait for the copy, rehearse, remove it, and look at the plan again, before anything is done', async () => {
    const { visited, inputs, output } = await run({
      [S.MakeCopy]: [copy, ready],
      [S.Rehearse]: [{ verdict: 'within-budget' }],
      [S.CheckRehearsal]: [asked('done')],
    });
    expect(upToRestorePoint(visited)).toEqual([
      ...[S.Plan, S.AnythingPending, S.RehearsalNeeded],
      ...[S.MakeCopy, S.CopyReady, S.WaitForCopy, S.MakeCopy, S.CopyReady, S.Rehearse],
      ...[S.RemoveCopy, S.CheckRehearsal, S.AnythingPending, S.RehearsalNeeded],
    ]);
    expect(inputs[S.CheckRehearsal]?.[0]).toMatchObject({
      rehearsal: { copy: ready, result: { verdict: 'within-budget' } },
    });
    expect(output).toEqual(APPLIED);
  });

  test('are passed by when none is needed', async () => {
    const { visited } = await run({ [S.Plan]: [asked('done')] });
    expect(upToRestorePoint(visited)).toEqual([S.Plan, S.AnythingPending, S.RehearsalNeeded]);
  });

  test.each([S.MakeCopy, S.Rehearse])(
    'after a failure of %s the copy is removed before all else',
    async (state) => {
      const { visited, inputs } = await run({
        [S.MakeCopy]: [ready],
        [state]: [failing('RehearsalError')],
        [S.RemoveCopyAfterFailure]: [{}],
      });
      const after = visited.slice(visited.indexOf(S.RemoveCopyAfterFailure));
      expect(after.slice(0, 2)).toEqual([S.RemoveCopyAfterFailure, S.RollBack]);
      expect(visited).not.toContain(S.TakeRestorePoint);
      expect(inputs[S.RemoveCopyAfterFailure]?.[0]).toMatchObject({ copy: { id: copy.id } });
    },
  );

  test('a copy that cannot be removed stops nothing', async () => {
    const { output } = await run({
      [S.MakeCopy]: [ready],
      [S.Rehearse]: [{ verdict: 'within-budget' }],
      [S.RemoveCopy]: [failing('RehearsalError')],
      [S.CheckRehearsal]: [asked('done')],
    });
    expect(output).toEqual(APPLIED);
  });

  test('over the budget nothing was done', async () => {
    const { visited } = await run({
      [S.MakeCopy]: [ready],
      [S.Rehearse]: [{ verdict: 'over-budget' }],
      [S.CheckRehearsal]: [failing('RehearsalError')],
    });
    expect(visited).not.toContain(S.TakeRestorePoint);
    expect(visited.at(-1)).toBe(S.Failed);
  });
});
