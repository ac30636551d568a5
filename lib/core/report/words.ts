/** A run and what it did, in words: `runs show` and the report say it alike. */
import { epochMs } from '../iso-time.ts';
import { count, duration } from '../words.ts';
import type { RunEvent, RunSummary } from './run.ts';

export const lasted = ({ startedAt, finishedAt }: RunSummary): string =>
  finishedAt === null ? 'not ended' : duration(epochMs(finishedAt) - epochMs(startedAt));

export function runFacts(run: RunSummary): string[][] {
  const { runId, holder, token, bundleDigest, restorePoint, startedAt, finishedAt, verdict, forced } = run;
  const at = run.beganAtLsn === null ? '' : `, at ${run.beganAtLsn} of the write-ahead log`;
  const ran = run.command === null ? ['Bundle', bundleDigest] : ['Command', run.command];
  return [
    ['Run', runId],
    ['Verdict', verdict],
    ...(run.error === null ? [] : [['', run.error]]),
    ['Began', `${startedAt}${at}`],
    ['Ended', finishedAt === null ? 'not yet, or without a word' : `${finishedAt}, after ${lasted(run)}`],
    ['Holder', `${holder}, token ${token}`],
    ran,
    ['Restore point', restorePoint ?? 'none'],
    ...(forced === null ? [] : [['By force', `contracted past ${forced}`]]),
  ];
}

export function happened({ kind, step, state, direction, keys, durationMs }: RunEvent): string {
  if (kind !== 'step') return durationMs === null ? kind : `${kind} in ${duration(durationMs)}`;
  const way = direction === 'down' ? ' of the down script' : '';
  const far = keys === null ? '' : `, ${count(keys, 'key')} up to here`;
  return `step ${step}${way}${state === 'done' ? ' done' : ' begun, its end is not recorded'}${far}`;
}
