import { expect, it } from 'vitest';
import { connect } from '../../lib/adapters/postgres/index.ts';
import { systemClock } from '../../lib/adapters/process/clock.ts';
import type { Clock } from '../../lib/core/clock.ts';
import type { CommandEnd, StopReason } from '../../lib/core/foreign/index.ts';
import type { Attempt } from '../../lib/engine/attempt.ts';
import { guarded } from '../../lib/engine/guarded.ts';
import { holdQueries } from '../support/wire.ts';
import { siteForTest } from './site.ts';

/** A minute in a second. */
const HURRIED: Clock = { ...systemClock, sleep: (ms, signal) => systemClock.sleep(ms / 60, signal) };

it('a command is ended when the session with the lock answers no more, and nobody waits for that for ever', async () => {
  const site = await siteForTest();
  let isSilent = false;
  const config = { ...site.database, port: await holdQueries(site.url, () => isSilent) };
  const session = await connect({ config, clock: systemClock, applicationName: 'lockstep #1 run' });
  const ended = Promise.withResolvers<CommandEnd>();
  const told: StopReason[] = [];
  const running = { ended: ended.promise, stop: () => ended.resolve({ exitCode: 143, signal: 'SIGTERM' }) };
  const attempt = { session, clock: HURRIED, signal: new AbortController().signal } as Attempt;
  isSilent = true;
  const { stopped } = await guarded(attempt, running, {
    leaseDurationMs: 30_000,
    onStop: (reason) => told.push(reason),
  });
  expect(stopped).toEqual({ kind: 'lost', why: 'its session gave no answer for 10 s.' });
  expect(told).toEqual([stopped]);
  expect(session.isLost).toBe(true);
});
