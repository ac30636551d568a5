import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { questionOf, runName, startInputSchema } from '../../lib/core/workflow/index.ts';

describe('the name of a run', () => {
  test('is one that Step Functions allows, whatever the id is', () => {
    fc.assert(
      fc.property(fc.string(), (id) => {
        const name = runName('codedeploy', id);
        expect(name.length).toBeLessThanOrEqual(80);
        expect(name).toMatch(/^[A-Za-z0-9-]+$/);
      }),
    );
  });

  test('is the same for the same id, and another for another one that reads the same', () => {
    expect(runName('ecs', 'a_b')).toBe(runName('ecs', 'a_b'));
    expect(runName('ecs', 'a_b')).not.toBe(runName('ecs', 'a.b'));
    const long = 'x'.repeat(100);
    expect(runName('ecs', `${long}1`)).not.toBe(runName('ecs', `${long}2`));
  });
});

describe('what a deployer asks with', () => {
  const ARN = 'arn:aws-cn:ecs:cn-north-1:123456789012:service-deployment/apps/orders/Zx_1';
  const ecs = (more: object) => ({
    id: 'e',
    source: 'aws.ecs',
    'detail-type': 'ECS Hook State Change',
    ...more,
  });

  test('of an ECS event is the service deployment, wherever its ARN stands', () => {
    const expected = { kind: 'ecs-deployment', serviceDeploymentArns: [ARN] };
    expect(questionOf(ecs({ resources: [ARN], detail: {} }))).toEqual(expected);
    expect(questionOf(ecs({ detail: { deployment: { arn: ARN } }, resources: [ARN] }))).toEqual(expected);
    expect(questionOf(ecs({ detail: {} }))).toEqual({ kind: 'ecs-deployment', serviceDeploymentArns: [] });
  });

  test('becomes an input that the workflow takes', () => {
    const Message = JSON.stringify({
      approval: { pipelineName: 'p', stageName: 's', actionName: 'a', token: 't', customData: 'x' },
    });
    const questions = [
      { DeploymentId: 'd-1', LifecycleEventHookExecutionId: 'h-1' },
      { Records: [{ Sns: { Message } }] },
      { id: 'e-1', source: 'app', 'detail-type': 'Published', detail: {} },
    ].map(questionOf);
    for (const question of questions) {
      if (question?.kind !== 'request') throw new Error('no request');
      expect(startInputSchema.parse(question.request.input)).toEqual(question.request.input);
    }
    expect(questions[1]).toMatchObject({
      request: { input: { answerTo: [{ kind: 'codepipeline-approval', token: 't', stageName: 's' }] } },
    });
  });

  test('can be anything: what is no question is none', () => {
    fc.assert(
      fc.property(fc.anything(), (event) => {
        const question = questionOf(event);
        expect(question === undefined || typeof question === 'object').toBe(true);
      }),
    );
    expect(questionOf({ Records: [{ Sns: { Message: 'hello' } }] })).toBeUndefined();
    expect(questionOf({ hello: 'world' })).toBeUndefined();
  });
});
