/** How the demo and the scenarios end: by themselves or by a signal, with a table, and with promises kept or not. */
import { LockstepError } from '../../core/errors/index.ts';
import type { Page } from './narrator.ts';
import type { Promises } from './promises.ts';
import { plural, seconds, table } from './words.ts';

/** What is still being done when the signal comes ends with the processes that do it. */
export async function untilAborted<T>(signal: AbortSignal, work: Promise<T>): Promise<T> {
  work.catch(() => undefined);
  signal.throwIfAborted();
  const aborted = new Promise<never>((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  });
  return Promise.race([work, aborted]);
}

/** One act, or one scenario. */
export interface Played {
  readonly name: string;
  /** What came of it, in a few words. */
  readonly result: string;
  readonly durationMs: number;
}

export async function timed(name: string, play: () => Promise<string>): Promise<Played> {
  const startedMs = performance.now();
  const result = await play();
  return { name, result, durationMs: Math.round(performance.now() - startedMs) };
}

interface Closing {
  readonly heading: 'act' | 'scenario';
  readonly played: readonly Played[];
  readonly startedMs: number;
}

/** Throws LS901 for promises that were not kept. */
export function close(page: Page, { kept, broken }: Promises, { heading, played, startedMs }: Closing): void {
  if (broken.length > 0) throw notKept(broken);
  const rows = played.map(({ name, durationMs, result }) => [name, seconds(durationMs), result]);
  page.line('');
  for (const line of table([[heading, 'took', 'result'], ...rows])) page.line(line);
  const took = seconds(performance.now() - startedMs);
  page.line('');
  page.line(page.paint('green', `All ${plural(kept, 'promise')} kept, in ${took}.`));
}

const notKept = (promises: readonly string[]): LockstepError =>
  new LockstepError('LS901', {
    what: `${plural(promises.length, 'promise')} of the demo not kept: ${promises.join('; ')}.`,
    state: 'The database that it used is removed, unless it is your own.',
    remedy: 'Run it again; if it happens again, report it with the lines above.',
  });
