/**
 * Work that is repeated in a process that has something else to do: the timer does not keep the process from ending, and
 * a round begins only when the one before it has ended. The work must not throw.
 */
export function inBackground(work: () => Promise<void>, pauseMs: () => number): { stop(): Promise<void> } {
  let running = Promise.resolve();
  let timer: NodeJS.Timeout;
  let isStopped = false;
  const next = (): void => {
    if (isStopped) return;
    timer = setTimeout(() => {
      running = work().then(next);
    }, pauseMs()).unref();
  };
  next();
  return {
    stop: () => {
      isStopped = true;
      clearTimeout(timer);
      return running;
    },
  };
}
