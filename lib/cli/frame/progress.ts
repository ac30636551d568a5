import type { Clock } from '../../core/clock.ts';
import type { StopReason } from '../../core/foreign/index.ts';
import { type Blocker, DEADLOCK, describeBlockers } from '../../core/locks/index.ts';
import type { Direction, EngineEvent, Observer } from '../../engine/types.ts';
import { count, duration } from './format.ts';
import { progressLine } from './lock-lines.ts';
import type { Terminal } from './terminal.ts';

/** Waiting is told at once, and again from time to time, so that a log neither fills nor looks dead. */
const REMIND_AFTER_MS = 10_000;

/** Progress lines on stderr while the engine works. */
export function progressOn({ err }: Terminal, clock: Clock): Observer {
  let toldMs = Number.NEGATIVE_INFINITY;
  let toldAbout = '';
  const isNews = (about: string): boolean => {
    if (about === toldAbout && clock.nowMs() - toldMs < REMIND_AFTER_MS) return false;
    [toldMs, toldAbout] = [clock.nowMs(), about];
    return true;
  };
  return (event) => {
    // Of the lease that was obtained a moment ago.
    if (event.kind === 'attempt-begun') return;
    const repeats = aboutWaiting(event);
    if (repeats !== undefined && !isNews(repeats)) return;
    err.line(err.paint('dim', sentence(event)));
  };
}

/** What a repeated event is about; undefined for one that is always told. */
function aboutWaiting(event: EngineEvent): string | undefined {
  switch (event.kind) {
    case 'connecting':
      return event.kind + event.reason;
    case 'waiting':
      return event.kind + event.heldBy;
    case 'schema-not-ready':
      return event.kind + event.pendingCount;
    case 'backfill-progress':
    case 'blocking':
      return event.kind + event.migration;
    case 'waiting-for-locks':
    case 'blocked':
      return event.kind + event.migration + event.blockers.map(({ pid }) => pid);
    default:
      return undefined;
  }
}

const DOING: Record<Direction, string> = { up: 'Applying', down: 'Reverting' };
const DONE: Record<Direction, string> = { up: 'Applied', down: 'Reverted' };

function sentence(event: Exclude<EngineEvent, { kind: 'attempt-begun' }>): string {
  switch (event.kind) {
    case 'connecting':
      return `Waiting for the database (try ${event.attempt}): ${event.reason}`;
    case 'database-created':
      return `Created the database ${event.database}`;
    case 'waiting':
      return `Waiting for the lease, held by ${event.heldBy} (${duration(event.waitedMs)} so far)`;
    case 'schema-not-ready':
      return `Waiting for ${count(event.pendingCount, 'migration')} (${duration(event.waitedMs)} so far)`;
    case 'out-of-order':
      return `${event.migration} runs out of order: ${event.above} above it is applied`;
    case 'lease-acquired':
      return `Lease obtained, token ${event.token}${event.tookOverFrom ? `, taken over from ${event.tookOverFrom}` : ''}`;
    case 'build-awaited':
      return `Waiting for the index that session ${event.pid} of an attempt that was replaced builds: ${progressLine(event.progress)}`;
    case 'session-ended':
      return `Ended session ${event.pid} of an attempt that was replaced (token ${event.token})`;
    case 'step-started':
      return `${DOING[event.direction]} ${event.migration}${ofSteps(event)}`;
    case 'step-progress':
      return `${event.migration}, step ${event.step}: ${progressLine(event.progress)}`;
    case 'step-healed':
      return `${event.migration}, step ${event.step}: ${event.how}`;
    case 'backfill-progress':
      return `${event.migration}: ${event.keys} rows looked at${howFar(event)}`;
    case 'backfill-paused':
      return `${event.migration} pauses: ${event.reason}`;
    case 'waiting-for-locks':
      return `${event.migration} waits, holding nothing, for ${describeBlockers(event.blockers)} (${duration(event.waitedMs)} so far)`;
    case 'lock-retry':
      return `${event.migration} ${event.sqlstate === DEADLOCK ? 'met a deadlock' : 'did not get its lock'}${inTheWay(event.blockers)}; try ${event.tries + 1} in ${duration(event.pauseMs)}`;
    case 'blocked':
      return `${event.migration} is blocked by ${describeBlockers(event.blockers)}`;
    case 'blocking':
      return `${event.migration} keeps ${count(event.sessions, 'session')} waiting, the longest for ${duration(event.longestMs)}`;
    case 'migration-done':
      return `${DONE[event.direction]} ${event.migration} in ${duration(event.durationMs)}`;
    case 'command-started':
      return `Running ${event.command}`;
    case 'command-stopping':
      return `Ending ${event.command} and what it started: ${whyStopped(event.reason)}`;
    case 'attempt-repeated':
      return `Trying again: ${event.error.what}`;
    case 'lease-not-released':
      return `The lease could not be freed, and is taken over when it has been silent for long enough: ${event.error.what}`;
    case 'left-to-others':
      return `Waiting for others to migrate, as an app does on ${event.deployment}`;
    case 'instance-not-recorded':
      return `This instance is not recorded, and contract will not wait for it: ${event.error.what}`;
    case 'contract-held-back':
      return `Contract migrations are left for later: ${event.error.what}`;
    default:
      return event satisfies never;
  }
}

function whyStopped(reason: StopReason): string {
  switch (reason.kind) {
    case 'interrupted':
      return 'interrupted';
    case 'out-of-time':
      return `it has not finished after ${duration(reason.limitMs)}`;
    case 'lost':
      return reason.why;
    default:
      return reason satisfies never;
  }
}

const inTheWay = (blockers: readonly Blocker[]): string =>
  blockers.length === 0 ? '' : `, in the way was ${describeBlockers(blockers)}`;

const ofSteps = ({ step, steps }: { step: number; steps: number }): string =>
  steps > 1 ? `, step ${step + 1} of ${steps}` : '';

function howFar({ share, leftMs }: Extract<EngineEvent, { kind: 'backfill-progress' }>): string {
  if (share === null) return '';
  const left = leftMs === null ? '' : `, ${duration(leftMs)} left`;
  return `, about ${Math.round(share * 100)} %${left}`;
}
