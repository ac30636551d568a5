/** The option of the construct; what the functions make of it is tested with them. */
import { describe, expect, test } from 'vitest';
import { coordinatorStack, inIsolatedSubnets, SYNTHESIS_MS } from './stacks.ts';

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
