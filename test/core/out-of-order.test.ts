import { describe, expect, test } from 'vitest';
import { makePlan, makeRevertPlan, type OutOfOrderPolicy, refusal } from '../../lib/core/plan/index.ts';
import { catalogOf, ledgerOf } from '../support/ledger.ts';

const revisionsOf = (entries: readonly { readonly revision: string }[]) => entries.map((e) => e.revision);

describe('a plan with revisions below the highest applied one', () => {
  const plan = (outOfOrder?: OutOfOrderPolicy) =>
    makePlan({ ledger: ledgerOf('1', '4'), catalog: catalogOf('1', '2', '3', '4', '5'), outOfOrder });

  test('is refused if nothing else is said, and says which they are', () => {
    for (const refused of [plan(), plan('refuse')]) {
      expect(refused).toMatchObject({ outcome: 'refused', outOfOrder: [] });
      expect(revisionsOf(refused.problems)).toEqual(['2', '3']);
      expect(refusal(refused)).toMatchObject({ code: 'LS502' });
    }
  });

  test('has them in ascending order with the others where it is allowed', () => {
    const allowed = plan('allow');
    expect(allowed).toMatchObject({ outcome: 'pending', problems: [] });
    expect(revisionsOf(allowed.pending)).toEqual(['2', '3', '5']);
    expect(allowed.outOfOrder).toMatchObject([
      { revision: '2', highestApplied: '4' },
      { revision: '3', highestApplied: '4' },
    ]);
  });

  test('is refused all the same for any other reason', () => {
    const catalog = catalogOf('2', '5');
    const other = makePlan({ ledger: ledgerOf('4'), catalog, outOfOrder: 'allow' });
    expect(other.problems).toMatchObject([{ kind: 'missing', revision: '4' }]);
  });

  test('is for databases that are ahead, too', () => {
    const ahead = makePlan({ ledger: ledgerOf('1', '9'), catalog: catalogOf('1', '2'), outOfOrder: 'allow' });
    expect(ahead).toMatchObject({
      outcome: 'pending',
      pending: [{ revision: '2' }],
      ahead: [{ revision: '9' }],
    });
  });
});

describe('what is reverted', () => {
  const ledger = ledgerOf('1', '4', '2', '5');

  test('goes in the order of the ledger, the last one applied first', () => {
    expect(revisionsOf(makeRevertPlan(ledger, { kind: 'count', count: 3 }).revert)).toEqual(['5', '2', '4']);
  });

  test('is everything above a revision, in that order, and no more', () => {
    expect(revisionsOf(makeRevertPlan(ledger, { kind: 'to', revision: '1' }).revert)).toEqual([
      '5',
      '2',
      '4',
    ]);
    expect(revisionsOf(makeRevertPlan(ledger, { kind: 'to', revision: '2' }).revert)).toEqual(['5', '4']);
  });

  test('has nothing built on it that was applied before it', () => {
    const count = makeRevertPlan(ledger, { kind: 'count', count: 2 });
    expect([revisionsOf(count.revert), revisionsOf(count.builtOn)]).toEqual([['5', '2'], []]);
    const to = makeRevertPlan(ledgerOf('1', '3', '2'), { kind: 'to', revision: '2' });
    expect([revisionsOf(to.revert), revisionsOf(to.builtOn)]).toEqual([['3'], []]);
    const third = ledger.current.filter((e) => e.runId === 'run 3').map((e) => e.appliedEntryId);
    const run = makeRevertPlan(ledger, { kind: 'run', runId: 'run 3' }, new Set(third));
    expect([revisionsOf(run.revert), revisionsOf(run.builtOn)]).toEqual([['2'], ['5']]);
  });

  test('is not moved to the end by a repair', () => {
    const [first, ...others] = ledger.current;
    const repaired = { ...first!, kind: 'repaired' as const, entryId: '9' };
    const current = [repaired, ...others];
    expect(revisionsOf(makeRevertPlan({ ...ledger, current }, { kind: 'count', count: 1 }).revert)).toEqual([
      '5',
    ]);
  });
});
