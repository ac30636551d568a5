import { setTimeout as sleep } from 'node:timers/promises';
import type { AppInstance } from '../app-instances.ts';

const PAUSE_MS = 100;

/** Asks every instance again and again how it is, until it is stopped. */
export function watchHealth(instances: readonly AppInstance[]): { stop(): Promise<readonly number[]> } {
  const answers: number[] = [];
  let isOver = false;
  const watching = (async () => {
    while (!isOver) {
      answers.push(...(await Promise.all(instances.map((instance) => instance.health()))));
      await sleep(PAUSE_MS);
    }
  })();
  const stop = async () => {
    isOver = true;
    await watching;
    return answers;
  };
  return { stop };
}
