/** What is decided about a rehearsal, from values. */
import { describe, expect, test } from 'vitest';
import {
  admit,
  builtIn,
  excessesOf,
  heldIn,
  mismatchesOf,
  parseRehearsal,
  type Rehearsal,
  type RehearsedStep,
  type RelationFile,
  rewrittenIn,
  slowestOf,
  waitsIn,
} from '../../lib/core/rehearsal/index.ts';
import { compile, errorOf } from '../support/compile.ts';

const step = (more: Partial<RehearsedStep> = {}): RehearsedStep => ({
  migration: '0001_a',
  step: 1,
  steps: 1,
  kind: 'transaction',
  durationMs: 100,
  locks: [],
  waits: [],
  notProbed: [],
  rewritten: [],
  indexes: [],
  growthBytes: 0,
  peakBytes: 0,
  walBytes: null,
  ...more,
});

const REHEARSAL: Rehearsal = {
  layout: 1,
  target: 'orders',
  at: '2026-11-21T15:00:00.000Z',
  bundleDigest: 'digest',
  ledgerHead: 'head',
  copy: 'given',
  databaseBytes: 1,
  verdict: 'within-budget',
  excesses: [],
  budget: { maxDurationMs: null, maxBlockedMs: 5 },
  durationMs: 100,
  steps: [step()],
  error: null,
};

describe('the budget', () => {
  const blocked = step({
    waits: [
      { relation: 'app.a', who: 'readers', longestMs: 200, totalMs: 900 },
      { relation: 'app.a', who: 'writers', longestMs: 201, totalMs: 201 },
    ],
  });

  test('is kept by what is as long as it allows, and by anything where it says nothing', () => {
    expect(excessesOf([blocked], 100, { maxDurationMs: 100, maxBlockedMs: 201 })).toEqual([]);
    expect(excessesOf([blocked], 1e9, { maxDurationMs: null, maxBlockedMs: null })).toEqual([]);
  });

  test('is broken by the whole duration, and by the longest wait of one reader or writer', () => {
    expect(excessesOf([blocked], 101, { maxDurationMs: 100, maxBlockedMs: 200 })).toEqual([
      { kind: 'duration', durationMs: 101, limitMs: 100 },
      {
        kind: 'blocked',
        migration: '0001_a',
        step: 1,
        relation: 'app.a',
        who: 'writers',
        longestMs: 201,
        limitMs: 200,
      },
    ]);
  });

  test('of waits is not kept by what could not be measured', () => {
    const unknown = step({ notProbed: ['app.b'] });
    expect(excessesOf([unknown], 1, { maxDurationMs: 1, maxBlockedMs: null })).toEqual([]);
    expect(excessesOf([unknown], 1, { maxDurationMs: null, maxBlockedMs: 9e9 })).toEqual([
      { kind: 'not-probed', migration: '0001_a', step: 1, relation: 'app.b' },
    ]);
  });
});

test('a run is told of migrations by their longest step, if that is long, but not of back-fills', () => {
  const steps = [
    step({ durationMs: 10_000 }),
    step({ migration: '0002_b', durationMs: 11_000.4 }),
    step({ migration: '0002_b', step: 2, durationMs: 20_000.4 }),
    step({ migration: '0003_c', kind: 'batches', durationMs: 90_000 }),
    step({ migration: '0004_d', durationMs: 9_000 }),
  ];
  expect(slowestOf(steps)).toEqual([
    { migration: '0002_b', durationMs: 20_000 },
    { migration: '0001_a', durationMs: 10_000 },
  ]);
});

describe('files', () => {
  const file = (oid: string, more: Partial<RelationFile> = {}): RelationFile => {
    return { oid, name: `app.t${oid}`, kind: 'table', file: oid, tableOid: null, bytes: 8192, ...more };
  };
  const index = (oid: string, tableOid: string, more: Partial<RelationFile> = {}) =>
    file(oid, { name: `app.i${oid}`, kind: 'index', tableOid, bytes: 100, ...more });
  const before = [
    file('1'),
    file('2'),
    file('3'),
    index('4', '1'),
    file('5', { kind: 'partitioned', file: null }),
  ];

  test('a table that has another one was rewritten, one that is gone was not', () => {
    const after = [
      file('1', { file: '9', bytes: 0 }),
      file('2'),
      file('5', { kind: 'partitioned', file: null }),
    ];
    expect(rewrittenIn(before, after)).toEqual([{ relation: 'app.t1', bytes: 8192 }]);
  });

  test('an index was built that is new, or has another one; not those of a new table', () => {
    const after = [file('1'), index('4', '1', { file: '10' }), index('6', '2'), file('7'), index('8', '7')];
    expect(builtIn(before, after)).toEqual([
      { index: 'app.i4', relation: 'app.t1', bytes: 100 },
      { index: 'app.i6', relation: 'app.t2', bytes: 100 },
    ]);
    expect(builtIn(before, before)).toEqual([]);
  });
});

describe('locks', () => {
  const { up } = compile(
    '-- a comment\nCREATE INDEX ON "Order" (id);\nALTER TABLE app.b ADD c int;\nDO $$BEGIN END$$;',
  );
  const found = { relation: 'public."Order"', mode: 'SHARE', heldMs: 7 } as const;
  const before: RelationFile[] = [
    { oid: '1', name: 'public."Order"', kind: 'table', file: '1', tableOid: null, bytes: 42 },
  ];

  test('have the size of the relation and the line that takes them, where they are known', () => {
    const seen = [{ relation: 'app.c', mode: 'ACCESS EXCLUSIVE', heldMs: 3 }] as const;
    expect(heldIn({ recorded: [found], seen }, before, up, up.statements)).toEqual([
      { ...found, isRecorded: true, bytes: 42, line: 2 },
      { ...seen[0], isRecorded: false, bytes: null, line: null },
    ]);
  });

  test('of one relation are one: the strongest, for as long as was recorded', () => {
    const seen = [{ ...found, mode: 'EXCLUSIVE', heldMs: 1 }] as const;
    expect(heldIn({ recorded: [found], seen }, before, up, up.statements)).toMatchObject([
      { relation: found.relation, mode: 'EXCLUSIVE', heldMs: 7, isRecorded: true },
    ]);
  });
});

test('waits are told by table and kind; what any lock takes is none', () => {
  const probe = (who: 'readers' | 'writers', waitedMs: number) => ({ relation: 'app.a', who, waitedMs });
  const probes = [probe('readers', 9), probe('writers', 20), probe('readers', 30), probe('writers', 10)];
  expect(waitsIn(probes)).toEqual([
    { relation: 'app.a', who: 'readers', longestMs: 30, totalMs: 30 },
    { relation: 'app.a', who: 'writers', longestMs: 20, totalMs: 30 },
  ]);
});

describe('the document', () => {
  test('is read as it was written', () => {
    const text = JSON.stringify({ rehearsal: REHEARSAL, slowest: [] });
    expect(parseRehearsal(text, 'r.json')).toEqual(REHEARSAL);
  });

  test.each(['', '{', '{}', JSON.stringify({ rehearsal: { ...REHEARSAL, layout: 2 }, slowest: [] })])(
    'is not %s',
    (text) => {
      expect(() => parseRehearsal(text, 'r.json')).toThrow(expect.objectContaining({ code: 'LS744' }));
    },
  );

  test('is of one bundle and of one state of the ledger', () => {
    const now = { bundleDigest: 'digest', ledgerHead: 'head', pending: ['0001_a'] };
    expect(mismatchesOf(REHEARSAL, now)).toEqual([]);
    expect(mismatchesOf(REHEARSAL, { ...now, bundleDigest: 'x' })).toEqual(['bundle']);
    expect(mismatchesOf(REHEARSAL, { ...now, bundleDigest: 'x', ledgerHead: 'none' })).toEqual([
      'bundle',
      'ledger',
    ]);
  });

  test('is of all that is pending; of less than was rehearsed, too', () => {
    const now = { bundleDigest: 'digest', ledgerHead: 'head' };
    expect(mismatchesOf(REHEARSAL, { ...now, pending: [] })).toEqual([]);
    expect(mismatchesOf(REHEARSAL, { ...now, pending: ['0001_a', '0002_b'] })).toEqual(['pending']);
    const failed = { ...REHEARSAL, verdict: 'failed', steps: [] } as const;
    expect(mismatchesOf(failed, { ...now, pending: ['0001_a'] })).toEqual([]);
  });
});

describe('a run', () => {
  const planned = { bundleDigest: 'digest', ledgerHead: 'head', pending: ['0001_a'] };
  const gate = { isRequired: false, isAsked: false };
  const excess = { kind: 'duration', durationMs: 3000, limitMs: 2000 } as const;
  const over: Rehearsal = { ...REHEARSAL, verdict: 'over-budget', excesses: [excess] };
  const failed: Rehearsal = { ...REHEARSAL, verdict: 'failed', error: { code: 'LS601', what: 'It broke.' } };
  const codeOf = (given: Rehearsal | undefined, more = {}, at = planned) =>
    errorOf(() => admit(given, at, { ...gate, ...more })).code;

  test('goes on with a rehearsal of its plan that is within the budget, required or not', () => {
    expect(admit(REHEARSAL, planned, gate)).toEqual([]);
    expect(admit(REHEARSAL, planned, { ...gate, isRequired: true })).toEqual([]);
  });

  test('goes on without one, or with one of another plan, unless it is required', () => {
    const other = { ...planned, ledgerHead: 'another' };
    expect(admit(undefined, planned, gate)).toEqual([]);
    expect(admit(failed, other, gate)).toEqual([]);
    expect(codeOf(undefined, { isRequired: true })).toBe('LS745');
    expect(codeOf(REHEARSAL, { isRequired: true }, other)).toBe('LS745');
    expect(codeOf(REHEARSAL, { isRequired: true }, { ...planned, pending: ['0002_b'] })).toBe('LS745');
  });

  test('stops over the budget, unless a person is to decide', () => {
    expect(errorOf(() => admit(over, planned, gate))).toMatchObject({
      code: 'LS743',
      what: expect.stringContaining('it takes 3.0 s, longer than 2.0 s'),
    });
    expect(admit(over, planned, { ...gate, isAsked: true })).toEqual([excess]);
  });

  test('stops at what failed on a copy, whoever may be asked', () => {
    expect(codeOf(failed, { isAsked: true })).toBe('LS742');
  });
});
