import { describe, expect, test } from 'vitest';
import { chooseMode, clusteredDeployment } from '../../lib/core/gate/index.ts';

describe('a platform with many instances', () => {
  test.each([
    ['KUBERNETES_SERVICE_HOST', 'Kubernetes'],
    ['ECS_CONTAINER_METADATA_URI_V4', 'Amazon ECS'],
    ['AWS_LAMBDA_FUNCTION_NAME', 'AWS Lambda'],
    ['DYNO', 'Heroku'],
  ])('%s is set on %s', (name, platform) => {
    expect(clusteredDeployment({ [name]: 'x' }, false)).toBe(platform);
    expect(clusteredDeployment({ [name]: '' }, false)).toBeUndefined();
  });

  test('is told by its name where processes of it are started by Node, too', () => {
    expect(clusteredDeployment({ K_SERVICE: 'orders' }, true)).toBe('Cloud Run');
    expect(clusteredDeployment({}, true)).toBe("Node's cluster");
  });

  test('is not assumed elsewhere', () => {
    expect(clusteredDeployment({ PATH: '/bin', HOSTNAME: 'web-0' }, false)).toBeUndefined();
  });
});

describe('an app that would migrate', () => {
  test('does so where it is alone, and leaves it to others where it is one of many', () => {
    expect(chooseMode(undefined, undefined)).toEqual({ kind: 'default', mode: 'run' });
    expect(chooseMode('', 'Kubernetes')).toEqual({
      kind: 'left-to-others',
      mode: 'wait',
      deployment: 'Kubernetes',
    });
  });

  test.each(['off', 'wait', 'run'])('does what it is asked to, wherever it is: %s', (mode) => {
    for (const deployment of [undefined, 'Kubernetes']) {
      expect(chooseMode(mode, deployment)).toEqual({ kind: 'asked', mode });
    }
  });

  test('does not guess', () => {
    expect(chooseMode('yes', undefined)).toEqual({ kind: 'not-understood', given: 'yes' });
  });
});
