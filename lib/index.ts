/** What a CDK app imports: `import { MigrationCoordinator } from 'lockstep'`. */
export * from './constructs/index.ts';
export { EVENT_SOURCE, EventType } from './core/rollout/signal.ts';
export type { Verdict } from './core/rollout/verdict.ts';
