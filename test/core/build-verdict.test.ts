import { describe, expect, test } from 'vitest';
import {
  aheadVerdict,
  appliedVerdict,
  dryRunVerdict,
  type Failure,
  failedVerdict,
  nameList,
  nothingPendingVerdict,
  type RunFacts,
  VERDICT_LIST_LIMIT,
  verdictSchema,
} from '../../lib/core/rollout/index.ts';

const facts: RunFacts = {
  run: 'run-1',
  target: 'orders',
  bundleDigest: 'abc',
  restorePoint: 'lockstep-orders-1',
  durationMs: 1234.6,
};
const error = { name: 'MigrationFailedError', code: 'LS601', message: 'LS601: 0003_c failed.' };
const names = (count: number) =>
  Array.from({ length: count }, (_, i) => `${String(i + 1).padStart(4, '0')}_m`);
const failure = (changes: Partial<Failure>): Failure => ({
  error,
  ledger: { applied: [], notApplied: ['0003_c'], partial: [], repeatables: [] },
  reverted: [],
  reversion: { kind: 'done' },
  ...changes,
});

describe('every verdict', () => {
  const many = nameList(names(1000));
  test.each([
    ['nothing pending', nothingPendingVerdict(facts, 12, nameList([])), 'ROLL_OUT'],
    ['ahead', aheadVerdict(facts, names(1000)), 'ROLL_OUT'],
    ['a dry run', dryRunVerdict(facts, many), 'NONE'],
    ['applied', appliedVerdict(facts, many), 'ROLL_OUT'],
    [
      'failed',
      failedVerdict(
        facts,
        failure({
          ledger: { applied: many.names, notApplied: many.names, partial: [], repeatables: [] },
          reverted: many.names,
        }),
      ),
      'ROLL_BACK',
    ],
  ])('%s has the documented shape, its signal, and a size that fits into an event', (_, verdict, signal) => {
    expect(verdictSchema.parse(verdict)).toEqual(verdict);
    expect(verdict.signal).toBe(signal);
    expect(verdict.durationMs).toBe(1235);
    expect(JSON.stringify(verdict).length).toBeLessThan(20_000);
  });

  test('cuts long lists and counts them whole', () => {
    const verdict = appliedVerdict(facts, many);
    expect(verdict.applied).toHaveLength(VERDICT_LIST_LIMIT);
    expect(verdict.appliedCount).toBe(1000);
    expect(verdict.message).toBe('1000 migrations from 0001_m on were applied.');
  });

  test('never reports a negative duration, although it is a difference of two clocks', () => {
    expect(appliedVerdict({ ...facts, durationMs: -5 }, nameList(['0001_a'])).durationMs).toBe(0);
  });
});

describe('a verdict of a run that did not fail', () => {
  test('names what was applied', () => {
    expect(appliedVerdict(facts, nameList(['0001_a'])).message).toBe('0001_a was applied.');
    expect(appliedVerdict(facts, nameList(['0001_a', '0002_b'])).message).toBe(
      '0001_a and 0002_b were applied.',
    );
    expect(appliedVerdict(facts, nameList(['0001_a', '0002_b', '0003_c'])).message).toBe(
      '0001_a, 0002_b and 0003_c were applied.',
    );
  });

  test('says so when the run had applied a part and others the rest', () => {
    const verdict = nothingPendingVerdict(facts, 3, nameList(['0001_a']));
    expect(verdict).toMatchObject({
      applied: ['0001_a'],
      appliedCount: 1,
      message: '0001_a was applied, and others did the rest.',
    });
  });

  test('of a dry run lists what would be applied and promises that nothing was changed', () => {
    const verdict = dryRunVerdict(facts, nameList(['0001_a']));
    expect(verdict).toMatchObject({
      notApplied: ['0001_a'],
      applied: [],
      state: 'Nothing was changed in the database.',
    });
    expect(dryRunVerdict(facts, nameList([])).message).toBe('Dry run: nothing is pending.');
  });

  test('of a database that is ahead names what it is ahead by', () => {
    expect(aheadVerdict(facts, ['0009_z']).message).toContain('ahead of this bundle by 0009_z');
  });
});

describe('the verdict of a failed run', () => {
  test('of which nothing is applied says so, and does not speak of the restore point', () => {
    const verdict = failedVerdict(facts, failure({}));
    expect(verdict).toMatchObject({
      outcome: 'failed',
      error,
      message: error.message,
      notApplied: ['0003_c'],
    });
    expect(verdict.state).toBe('Nothing of this run is applied.');
    expect(verdict.next).toBe(
      'Mend the cause and start a new run, which applies what is pending. docs/runbook.md explains LS601.',
    );
  });

  test.each(['LS710', 'LS711'])('that nobody approved (%s) was refused, and asks again', (code) => {
    const refused = { name: 'ApprovalError', code, message: `${code}: no.` };
    expect(failedVerdict(facts, failure({ error: refused }))).toMatchObject({
      outcome: 'refused',
      signal: 'ROLL_BACK',
      next: `Change the migrations, or start a new run, which asks again. docs/runbook.md explains ${code}.`,
    });
  });

  test('that could not ask has failed', () => {
    const unsent = { name: 'ApprovalError', code: 'LS712', message: 'LS712: no.' };
    expect(failedVerdict(facts, failure({ error: unsent })).outcome).toBe('failed');
  });

  test('that reverted what it had applied names that', () => {
    const verdict = failedVerdict(facts, failure({ reverted: ['0002_b', '0001_a'] }));
    expect(verdict.reverted).toEqual(['0002_b', '0001_a']);
    expect(verdict.state).toBe(
      'Nothing of this run is applied. 0002_b and 0001_a were applied by this run and reverted again.',
    );
  });

  test.each([
    [{ kind: 'not-asked' }, 'the roll-back policy takes back the code only'],
    [{ kind: 'lease-not-held' }, 'does not hold the lease'],
    [{ kind: 'stopped' }, 'was stopped'],
    [
      { kind: 'failed', reason: '0002_b has no down script.' },
      'reverting failed (0002_b has no down script.)',
    ],
    [{ kind: 'done' }, 'the roll back did not see it'],
  ] as const)('of which something stays says why: %o', (reversion, why) => {
    const verdict = failedVerdict(
      facts,
      failure({ reversion, ledger: { applied: ['0001_a'], notApplied: [], partial: [], repeatables: [] } }),
    );
    expect(verdict.state).toContain('0001_a of this run stays applied: ');
    expect(verdict.state).toContain(why);
    expect(verdict.next).toContain('`lockstep down`');
    expect(verdict.next).toContain('restore point lockstep-orders-1: `lockstep restore plan run-1`');
  });

  test('names a migration that is done in part', () => {
    const ledger = { applied: [], notApplied: ['0003_c'], partial: ['0003_c'], repeatables: [] };
    expect(failedVerdict(facts, failure({ ledger })).state).toContain('0003_c is done in part');
  });

  test('claims nothing about a ledger that could not be read', () => {
    const verdict = failedVerdict(facts, failure({ ledger: undefined }));
    expect(verdict).toMatchObject({ applied: [], notApplied: [] });
    expect(verdict.state).toContain('is not known');
    expect(verdict.state).not.toContain('Nothing of this run');
    expect(verdict.next).toMatch(/^See with `lockstep status` what is applied\./);
    expect(verdict.next).toContain('restore point lockstep-orders-1: `lockstep restore plan run-1`');
  });
});
