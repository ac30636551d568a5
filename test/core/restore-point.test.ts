import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  expendable,
  type Keep,
  RESTORE_POINT_BUDGET_SECONDS,
  restorePointId,
  type StoredRestorePoint,
  stepRestorePoint,
} from '../../lib/core/restore-point/index.ts';
import type { RestorePointProgress } from '../../lib/core/workflow/index.ts';

const run = {
  execution: 'arn:aws:states:eu-west-1:123456789012:execution:Lockstep:one',
  startedAt: '2026-11-21T03:00:00.000Z',
};

describe('the id of a restore point', () => {
  test('follows the naming rules of RDS for clusters, whatever the target is called', () => {
    fc.assert(
      fc.property(fc.string({ minLength: 1, maxLength: 300, unit: 'grapheme' }), (target) => {
        const id = restorePointId(target, run);
        expect(id).toMatch(/^[a-z](?:-?[a-z0-9])*$/);
        expect(id.length).toBeLessThanOrEqual(63);
      }),
    );
  });

  test('is the same for the same run and shows the target', () => {
    expect(restorePointId('Orders_production', run)).toBe(restorePointId('Orders_production', { ...run }));
    expect(restorePointId('Orders_production', run)).toMatch(/^lockstep-orders-production-[0-9a-f]{16}$/);
  });

  test('differs for another target that reads alike, another execution, and a later start of the same name', () => {
    const ids = [
      restorePointId('orders-production', run),
      restorePointId('orders.production', run),
      restorePointId('orders-production', { ...run, execution: `${run.execution}2` }),
      restorePointId('orders-production', { ...run, startedAt: '2027-03-01T03:00:00.000Z' }),
    ];
    expect(new Set(ids).size).toBe(ids.length);
  });
});

describe('which restore points are expendable', () => {
  const point = (id: string, day: number, complete = true): StoredRestorePoint => ({
    id,
    complete,
    createdAtMs: Date.UTC(2026, 10, day),
  });
  const keeping = (keep: number, more: Partial<Keep> = {}): Keep => ({
    keep,
    currentId: 'current',
    takenBeforeMs: null,
    ...more,
  });
  const all = [point('b', 2), point('d', 4), point('a', 1), point('current', 5), point('c', 3)];

  test('those beyond the newest ones that stay, oldest first', () => {
    expect(expendable(all, keeping(3))).toEqual(['a', 'b']);
  });

  test('all but the current one, when only one stays', () => {
    expect(expendable(all, keeping(1))).toEqual(['a', 'b', 'c', 'd']);
  });

  test('none while there are no more than those that stay', () => {
    expect(expendable(all, keeping(5))).toEqual([]);
  });

  test('never one that is still being created: another run waits for it', () => {
    expect(expendable([...all, point('being-created', 0, false)], keeping(1))).not.toContain('being-created');
  });

  test('those that are too old, however few they are, but never the current one', () => {
    const takenBeforeMs = Date.UTC(2026, 10, 6);
    expect(expendable(all, keeping(5, { takenBeforeMs: Date.UTC(2026, 10, 3) }))).toEqual(['a', 'b']);
    expect(expendable(all, keeping(5, { takenBeforeMs }))).toEqual(['a', 'b', 'c', 'd']);
  });

  test('outside a run the newest ones stay, as many as are to', () => {
    expect(expendable(all, keeping(2, { currentId: null }))).toEqual(['a', 'b', 'c']);
  });

  test('none because of its age, if that is not known', () => {
    const unknown = { id: 'unknown', complete: true, createdAtMs: null };
    expect(expendable([unknown], keeping(5, { takenBeforeMs: Date.UTC(2026, 10, 6) }))).toEqual([]);
  });

  test('never the current one, and at most as many stay as asked for, whatever else there is', () => {
    const points = fc.uniqueArray(
      fc.record({ id: fc.string(), complete: fc.boolean(), createdAtMs: fc.option(fc.nat()) }),
      { selector: (p) => p.id },
    );
    fc.assert(
      fc.property(points, fc.string(), fc.integer({ min: 1, max: 10 }), (stored, currentId, keep) => {
        const gone = expendable(stored, keeping(keep, { currentId }));
        expect(gone).not.toContain(currentId);
        const stay = stored.filter((p) => p.complete && p.id !== currentId && !gone.includes(p.id));
        expect(stay.length).toBeLessThanOrEqual(keep - 1);
        const youngestGone = Math.max(
          ...stored.filter((p) => gone.includes(p.id)).map((p) => p.createdAtMs ?? 0),
        );
        for (const p of stay)
          expect(p.createdAtMs ?? 0).toBeGreaterThanOrEqual(gone.length > 0 ? youngestGone : 0);
      }),
    );
  });
});

describe('waiting for a restore point', () => {
  const requested: RestorePointProgress = { status: 'requested', id: null, waitSeconds: 0, waitedSeconds: 0 };

  test('an available one ends the wait and says how long it was', () => {
    const waiting = { status: 'creating', id: 'x', waitSeconds: 5, waitedSeconds: 7 } as const;
    expect(stepRestorePoint(waiting, 'x', { kind: 'available' })).toEqual({
      status: 'available',
      id: 'x',
      waitSeconds: 0,
      waitedSeconds: 12,
    });
  });

  test('a database that is busy with its own backup is waited for, and nothing counts as begun', () => {
    const next = stepRestorePoint(requested, 'x', { kind: 'database-busy', databaseState: 'backing-up' });
    expect(next).toMatchObject({ status: 'requested', id: 'x' });
    expect(next.waitSeconds).toBeGreaterThan(0);
  });

  test('waits grow up to half a minute, and the longest wait stays far below the history of an execution', () => {
    let progress = requested;
    const waits: number[] = [];
    expect(() => {
      for (;;) {
        progress = stepRestorePoint(progress, 'x', { kind: 'creating' });
        waits.push(progress.waitSeconds);
      }
    }).toThrow(/^LS701: The restore point x is not available after 240 minutes: it is still being created\./);
    expect(waits[0]).toBe(2);
    expect(Math.max(...waits)).toBe(30);
    const total = waits.reduce((sum, seconds) => sum + seconds, 0);
    expect(total).toBeGreaterThanOrEqual(RESTORE_POINT_BUDGET_SECONDS);
    expect(total).toBeLessThan(RESTORE_POINT_BUDGET_SECONDS + 60);
    // Entering and leaving a task, a choice and a wait are some ten events.
    expect(waits.length * 10).toBeLessThan(10_000);
  });
});
