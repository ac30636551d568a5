import type { LeaseSeen, Reading } from './facts.ts';
import { type Judgement, ok, problem, runbook, unread } from './judgement.ts';
import { forHowLong } from './words.ts';

const NAME = 'lease';

export function judgeLease(reading: Reading<LeaseSeen>): Judgement {
  if ('error' in reading) return unread(NAME, reading.error);
  const { record, since, silentMs } = reading.value;
  if (!record) return ok(NAME, 'Free, and was never held.');
  const { holder, token, durationMs, state } = record;
  if (state === 'FREE') return ok(NAME, `Free; the last token is ${token}.`);
  const heldBy = `Held by ${holder}, token ${token}${since === null ? '' : `, connected since ${since}`}`;
  if (silentMs === null) return ok(NAME, `${heldBy}, which gives signs of life.`);
  if (silentMs < durationMs)
    return ok(
      NAME,
      `${heldBy}, silent for ${forHowLong(silentMs)}; taken over after ${forHowLong(durationMs)}.`,
    );
  return problem(
    NAME,
    `${heldBy}, has expired: nothing was heard of its holder for ${forHowLong(silentMs)}, and its duration is ${forHowLong(durationMs)}.`,
    'Start the run again (`lockstep up`, or the execution): it takes the lease over.',
    runbook('LS401'),
  );
}
