/** For reports only: a run's start is on Step Functions' clock, now is on this host's. */
export const sinceMs = (startedAt: string): number => Date.now() - Date.parse(startedAt);
