/**
 * Ctrl-C and SIGTERM. The first asks: the engine cancels its SQL, which PostgreSQL rolls back, and frees the
 * lease. The second insists: the process ends at once, and PostgreSQL ends what it did when it notices.
 */
import { ExitCode } from '../../core/errors/catalogue.ts';

const SIGNALS = ['SIGINT', 'SIGTERM'] as const;

export interface Interruption {
  readonly signal: AbortSignal;
  /** From then on the signals have their usual effect again. */
  stop(): void;
}

export function listenForInterruption(onFirst: () => void): Interruption {
  const controller = new AbortController();
  const interrupt = () => {
    if (controller.signal.aborted) process.exit(ExitCode.interrupted);
    onFirst();
    controller.abort();
  };
  for (const name of SIGNALS) process.on(name, interrupt);
  return {
    signal: controller.signal,
    stop: () => {
      for (const name of SIGNALS) process.off(name, interrupt);
    },
  };
}
