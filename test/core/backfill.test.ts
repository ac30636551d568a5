import { describe, expect, test } from 'vitest';
import { estimate, FIRST_BATCH_SIZE, nextBatchSize, TARGET_BATCH_MS } from '../../lib/core/backfill/index.ts';
import { compileMigration } from '../../lib/core/plan/compile/index.ts';
import { type Step, stepsOf } from '../../lib/core/plan/index.ts';
import { errorOf, parser } from '../support/compile.ts';

describe('the size of the next batch', () => {
  const ofTime = (size: number, durationMs: number) => nextBatchSize({ size, durationMs, walBytes: null });
  /** Where it comes to, if a key takes that. */
  function settled(msPerKey: number, bytesPerKey: number): number {
    let size = FIRST_BATCH_SIZE;
    for (let n = 0; n < 30; n++)
      size = nextBatchSize({ size, durationMs: size * msPerKey, walBytes: size * bytesPerKey });
    return size;
  }

  test('comes to where a batch takes its time, from both sides, and stays there', () => {
    for (const msPerKey of [0.01, 0.3, 2]) {
      expect(settled(msPerKey, 0) * msPerKey).toBeGreaterThan(TARGET_BATCH_MS * 0.9);
      expect(settled(msPerKey, 0) * msPerKey).toBeLessThan(TARGET_BATCH_MS * 1.1);
    }
  });

  test('comes to where it writes a megabyte to the log, if that is sooner', () => {
    expect(settled(0.003, 200)).toBe(5_000);
    expect(settled(0.01, 40)).toBe(20_000);
  });

  test('is no less than what takes ten milliseconds, however much others write to the log', () => {
    expect(settled(0.01, 1_000_000)).toBe(1_000);
  });

  test('changes by no more than a factor of two, and has bounds', () => {
    expect(ofTime(500, 1)).toBe(1_000);
    expect(ofTime(500, 60_000)).toBe(250);
    expect(ofTime(50, 60_000)).toBe(50);
    expect(ofTime(100_000, 1)).toBe(100_000);
    expect(ofTime(500, Number.POSITIVE_INFINITY)).toBe(250);
    expect(nextBatchSize({ size: 500, durationMs: 100, walBytes: 1e12 })).toBe(250);
  });
});

test('how far it is, and for how long: estimates, as far as the table is known', () => {
  const walked = { keys: 500, tableKeys: 2_000, attemptMs: 1_000, attemptKeys: 250 };
  expect(estimate(walked)).toEqual({ share: 0.25, leftMs: 6_000 });
  expect(estimate({ ...walked, keys: 3_000 })).toEqual({ share: 1, leftMs: 0 });
  expect(estimate({ ...walked, attemptKeys: 0 })).toEqual({ share: 0.25, leftMs: null });
  expect(estimate({ ...walked, tableKeys: -1 })).toEqual({ share: null, leftMs: null });
});

function compiled(sql: string, up = '0001_fill.backfill.sql') {
  const phase = up.includes('.backfill.') ? 'backfill' : 'expand';
  const files = { revision: '0001', slug: 'fill', phase, up, down: undefined } as const;
  return compileMigration(files, () => Buffer.from(sql), parser).up;
}

function batchIn(sql: string) {
  const script = compiled(sql);
  const [step] = stepsOf(script).filter((s): s is Extract<Step, { kind: 'batches' }> => s.kind === 'batches');
  const { start, end, ...batch } = step!.batch;
  return { ...batch, call: Buffer.from(script.sql).subarray(start, end).toString() };
}

describe('the call that stands for the key range', () => {
  test.each([
    [
      'UPDATE users SET a = 1 WHERE lockstep.batch(id)',
      { table: 'users', key: ['id'], qualifier: [], call: 'lockstep.batch(id)' },
    ],
    [
      'UPDATE app.users u SET a = 1 FROM x WHERE x.id = u.id AND lockstep.batch( u."Tenant", u.id )',
      {
        schema: 'app',
        table: 'users',
        key: ['Tenant', 'id'],
        qualifier: ['u'],
        call: 'lockstep.batch( u."Tenant", u.id )',
      },
    ],
    [
      "/* ü */ DELETE FROM t WHERE note = '(é' AND (lockstep.batch(id))",
      { table: 't', key: ['id'], qualifier: [], call: 'lockstep.batch(id)' },
    ],
    [
      'UPDATE t SET a = x.a FROM app.x WHERE x.id = t.id AND lockstep.batch(x.id)',
      { schema: 'app', table: 'x', key: ['id'], qualifier: ['x'], call: 'lockstep.batch(x.id)' },
    ],
    [
      'INSERT INTO t SELECT id FROM old WHERE lockstep.batch(id)',
      { table: 'old', key: ['id'], qualifier: [], call: 'lockstep.batch(id)' },
    ],
  ])('in %s', (sql, expected) => {
    expect(batchIn(sql)).toEqual(expected);
  });

  test('makes its statement a step of its own', () => {
    const steps = stepsOf(
      compiled('SELECT 1; UPDATE t SET a = 1 WHERE lockstep.batch(id); SELECT 2; SELECT 3'),
    );
    expect(steps.map(({ kind }) => kind)).toEqual(['transaction', 'batches', 'transaction']);
  });

  test.each([
    ['0001_fill.sql', 'UPDATE t SET a = 1 WHERE lockstep.batch(id)', /for back-fills/],
    ['0001_fill.backfill.sql', 'UPDATE t SET a = 1 WHERE lockstep.batch()', /columns of a key/],
    ['0001_fill.backfill.sql', 'UPDATE t SET a = 1 WHERE lockstep.batch(id + 1)', /columns of a key/],
    ['0001_fill.backfill.sql', 'UPDATE t SET a = 1 WHERE lockstep.batch(t.id, u.id)', /of which table/],
    ['0001_fill.backfill.sql', 'INSERT INTO t SELECT 1 FROM a, b WHERE lockstep.batch(id)', /of which table/],
    ['0001_fill.backfill.sql', 'DELETE FROM t WHERE lockstep.batch(id) AND lockstep.batch(id)', /twice/],
  ])('is refused in %s: %s', (file, sql, why) => {
    const error = errorOf(() => compiled(sql, file));
    expect(error).toMatchObject({ code: 'LS208', position: { file, line: 1 } });
    expect(error.what).toMatch(why);
  });
});
