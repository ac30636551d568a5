/** What a CDK app imports: `import { MigrationCoordinator } from 'lockstep'`. */
export * from './constructs/index.ts';
export { EVENT_SOURCE, EventType } from './core/rollout/signal.ts';
