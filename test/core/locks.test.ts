import { describe, expect, it } from 'vitest';
import { LockstepError } from '../../lib/core/errors/index.ts';
import {
  type Blocker,
  commandOf,
  conflictsOf,
  describeBlocker,
  describeBlockers,
  isStrong,
  kindOf,
  LOCK_MODES,
  type Patience,
  patiently,
  type Retry,
  STRONG_MODES,
  serverName,
  strongestOf,
  toWaitFor,
} from '../../lib/core/locks/index.ts';

describe('lock modes', () => {
  it('are strong when they conflict with those who read or write', () => {
    const strong = LOCK_MODES.filter(
      (mode) =>
        isStrong(mode) &&
        ['ACCESS SHARE', 'ROW EXCLUSIVE'].some((m) => conflictsOf(mode).includes(m as never)),
    );
    expect(strong).toEqual(STRONG_MODES);
  });

  it('conflict with one another as the table in the documentation says', () => {
    expect(conflictsOf('SHARE')).toEqual([
      ...['ROW EXCLUSIVE', 'SHARE UPDATE EXCLUSIVE', 'SHARE ROW EXCLUSIVE', 'EXCLUSIVE', 'ACCESS EXCLUSIVE'],
    ]);
    expect(conflictsOf('SHARE ROW EXCLUSIVE')).toEqual(LOCK_MODES.slice(2));
    expect(conflictsOf('EXCLUSIVE')).toEqual(LOCK_MODES.slice(1));
    expect(conflictsOf('ACCESS EXCLUSIVE')).toEqual(LOCK_MODES);
    for (const a of STRONG_MODES) {
      for (const b of STRONG_MODES) expect(conflictsOf(a).includes(b)).toBe(conflictsOf(b).includes(a));
    }
  });

  it('have the names of the server', () => {
    expect(LOCK_MODES.map(serverName)).toEqual([
      ...['AccessShareLock', 'RowShareLock', 'RowExclusiveLock', 'ShareUpdateExclusiveLock'],
      ...['ShareLock', 'ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock'],
    ]);
  });

  it('of one relation are the strongest of them', () => {
    expect(
      strongestOf([
        { relation: 'a', mode: 'SHARE' },
        { relation: 'b', mode: 'ACCESS EXCLUSIVE' },
        { schema: 'app', relation: 'a', mode: 'SHARE' },
        { relation: 'a', mode: 'EXCLUSIVE' },
        { relation: 'b', mode: 'SHARE' },
      ]),
    ).toEqual([
      { relation: 'a', mode: 'EXCLUSIVE' },
      { relation: 'b', mode: 'ACCESS EXCLUSIVE' },
      { schema: 'app', relation: 'a', mode: 'SHARE' },
    ]);
  });
});

const blocker = (more: Partial<Blocker> = {}): Blocker => ({
  pid: 4711,
  transaction: '3/7',
  kind: 'session',
  applicationName: 'report',
  user: 'analyst',
  state: 'active',
  command: 'SELECT',
  transactionAgeMs: 12_400,
  queryAgeMs: 3_210,
  ...more,
});

describe('a blocker', () => {
  it.each<[Partial<Blocker>, string]>([
    [{}, 'session 4711 (report, user analyst), running SELECT for 3.2 s, its transaction is 12 s old'],
    [
      { command: null, transactionAgeMs: null },
      'session 4711 (report, user analyst), running a query for 3.2 s',
    ],
    [
      { state: 'idle in transaction', applicationName: '' },
      'session 4711 (user analyst), idle in transaction for 3.2 s, its transaction is 12 s old',
    ],
    [{ state: 'unknown', applicationName: '' }, 'session 4711 (user analyst)'],
    [{ state: 'unknown', applicationName: '', user: '' }, 'session 4711 (unknown)'],
    [
      { kind: 'wraparound-vacuum' },
      'session 4711, an autovacuum to prevent wraparound, which does not give way',
    ],
    [{ kind: 'autovacuum' }, 'session 4711, an autovacuum'],
    [
      { kind: 'backup', state: 'idle in transaction', transactionAgeMs: null },
      'session 4711, a backup by pg_dump (user analyst), idle in transaction for 3.2 s',
    ],
    [
      { kind: 'prepared-transaction', pid: null },
      'a prepared transaction (pg_prepared_xacts), which waits for its COMMIT PREPARED',
    ],
  ])('%j is %s', (more, text) => {
    expect(describeBlocker(blocker(more))).toBe(text);
  });

  it('is one of a crowd, of which the first are told', () => {
    const crowd = [1, 2, 3, 4, 5].map((pid) => blocker({ pid, state: 'unknown' }));
    expect(describeBlockers(crowd)).toMatch(/^session 1 .*; session 2 .*; session 3 .*; and 2 more$/);
  });

  it('is known by what the server says of it', () => {
    const session = {
      pid: 1,
      applicationName: 'psql',
      backendType: 'client backend',
      preventsWraparound: false,
    };
    const vacuum = { ...session, backendType: 'autovacuum worker', applicationName: '' };
    expect(kindOf(session)).toBe('session');
    expect(kindOf(vacuum)).toBe('autovacuum');
    expect(kindOf({ ...vacuum, preventsWraparound: true })).toBe('wraparound-vacuum');
    expect(kindOf({ ...session, applicationName: 'pg_dump' })).toBe('backup');
    expect(kindOf({ ...session, pid: null })).toBe('prepared-transaction');
    // Of another role's session nothing is known.
    expect(kindOf({ ...session, applicationName: null, backendType: null })).toBe('session');
  });

  it('has a command only if it is one: anything else may be data', () => {
    expect([commandOf('select'), commandOf('UPDATE'), commandOf('secret'), commandOf(null)]).toEqual([
      ...['SELECT', 'UPDATE', null, null],
    ]);
  });

  it.each<[Partial<Blocker>, number, boolean]>([
    [{ transactionAgeMs: 999 }, 0, false],
    [{ transactionAgeMs: 1_000 }, 0, true],
    [{ transactionAgeMs: null }, 0, false],
    [{ transactionAgeMs: null }, 1_000, true],
    [{ kind: 'autovacuum' }, 5_000, false],
    [{ kind: 'wraparound-vacuum', transactionAgeMs: 0 }, 0, true],
    [{ kind: 'backup', transactionAgeMs: 0 }, 0, true],
    [{ kind: 'prepared-transaction', pid: null, transactionAgeMs: null }, 0, true],
  ])('%j, seen for %i ms, is waited for: %j', (more, seenMs, expected) => {
    expect(toWaitFor([blocker(more)], () => seenMs)).toHaveLength(expected ? 1 : 0);
  });
});

describe('trying patiently', () => {
  const met = (sqlstate: string) =>
    new LockstepError('LS601', { what: '', state: '', remedy: '', context: { sqlstate } });

  /** Time passes only by sleeping, waiting, and in tries of two seconds. */
  function world(lockWaitMs: number, random = 0.5) {
    let nowMs = 0;
    const retries: Retry[] = [];
    const cleared: number[] = [];
    const patience: Patience = {
      lockWaitMs,
      nowMs: () => nowMs,
      random: () => random,
      sleep: async (ms) => {
        nowMs += ms;
      },
      throwIfEnded: () => undefined,
      hasTime: () => true,
      clear: async (leftMs) => {
        cleared.push(leftMs);
      },
      onRetry: (retry) => retries.push(retry),
    };
    const failing = (error: unknown) => async () => {
      nowMs += 2_000;
      throw error;
    };
    return { patience, retries, cleared, failing, nowMs: () => nowMs };
  }

  it.each(['55P03', '40P01', '40001'])(
    '%s is tried again, with pauses that grow, until the time is over',
    async (sqlstate) => {
      const { patience, retries, failing, nowMs } = world(60_000);
      const error = met(sqlstate);
      await expect(patiently(patience, failing(error))).rejects.toBe(error);
      expect(retries.map(({ pauseMs }) => pauseMs)).toEqual([
        200,
        400,
        800,
        1_600,
        3_200,
        ...Array(6).fill(5_000),
      ]);
      expect(nowMs()).toBeLessThanOrEqual(62_000);
    },
  );

  it('pauses differ, so that two who met do not meet again', async () => {
    const [low, high] = [world(1_500, 0), world(4_500, 0.99)];
    for (const { patience, failing } of [low, high])
      await patiently(patience, failing(met('40P01'))).catch(() => 0);
    expect(high.retries[0]!.pauseMs).toBeGreaterThan(250);
    expect(low.retries).toEqual([]);
  });

  it('says the number of the try that went well, and what was waited before it', async () => {
    const { patience, cleared } = world(60_000);
    let sent = 0;
    const outcome = await patiently(patience, async (attempt) => {
      sent += 1;
      if (sent < 3) throw met('55P03');
      return attempt;
    });
    expect(outcome).toEqual({ tries: 3, result: { number: 3, waitedMs: 600 } });
    expect(cleared).toEqual([60_000, 59_800, 59_400]);
  });

  it('any other error is not tried again', async () => {
    for (const error of [met('42P01'), new Error('55P03'), undefined]) {
      const { patience, retries, failing } = world(60_000);
      await expect(patiently(patience, failing(error))).rejects.toBe(error);
      expect(retries).toEqual([]);
    }
  });

  it('with no time at all there is one try', async () => {
    const { patience, retries, failing } = world(0);
    await expect(patiently(patience, failing(met('55P03')))).rejects.toThrow();
    expect(retries).toEqual([]);
  });

  it('ends with the time of the attempt, or with the attempt itself', async () => {
    const { patience, retries, failing } = world(60_000);
    await expect(patiently({ ...patience, hasTime: () => false }, failing(met('55P03')))).rejects.toThrow(
      'LS601',
    );
    const over = new Error('over');
    const ended = () => {
      throw over;
    };
    await expect(patiently({ ...patience, throwIfEnded: ended }, failing(met('55P03')))).rejects.toBe(over);
    expect(retries).toEqual([]);
  });
});
