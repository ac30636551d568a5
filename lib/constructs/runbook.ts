/**
 * Sections of docs/runbook.md that alarms send people to, by the anchor that a heading such as
 * `## Alarm: run failed` gets. A test holds the two together.
 */
export const RunbookSection = {
  runFailed: 'alarm-run-failed',
  runTimedOut: 'alarm-run-timed-out',
  runAborted: 'alarm-run-aborted',
  runLong: 'alarm-run-takes-long',
  leaseWait: 'alarm-long-wait-for-the-lease',
  functionErrors: 'alarm-function-errors',
  functionThrottles: 'alarm-function-throttles',
  cleanUpFailed: 'alarm-clean-up-failed',
  rollOutFailed: 'alarm-roll-out-failed',
  copyLeft: 'alarm-copy-left',
  deployerUnserved: 'alarm-deployer-unserved',
} as const;
export type RunbookSection = (typeof RunbookSection)[keyof typeof RunbookSection];

/** The file inside the package; teams that host a copy give its URL instead. */
export const RUNBOOK = 'node_modules/lockstep/docs/runbook.md';
