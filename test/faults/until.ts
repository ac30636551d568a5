import { setTimeout as sleep } from 'node:timers/promises';

const LOOK_EVERY_MS = 20;
/** On a busy machine, too, what is waited for here is a matter of seconds. */
const LIMIT_MS = 20_000;

/** Returns when the condition is true; throws when it has not become so. */
export async function until(what: string, condition: () => boolean | Promise<boolean>): Promise<void> {
  for (const startedMs = performance.now(); !(await condition()); await sleep(LOOK_EVERY_MS)) {
    if (performance.now() - startedMs > LIMIT_MS)
      throw new Error(`Waited ${LIMIT_MS / 1000} s in vain: ${what}`);
  }
}
