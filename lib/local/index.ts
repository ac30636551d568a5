/**
 * The local runtime: the coordinator on one machine, with no account and nothing installed but this checkout.
 *
 *   embedded PostgreSQL ◄── functions/*.ts, one process per environment ◄── state machine, as CDK synthesizes it
 *   DynamoDB API        ◄──   │ (over the SDK, AWS_ENDPOINT_URL)                  │ signals
 *   stand-ins: RDS snapshots ─┴─ Secrets Manager ── Step Functions ── EventBridge ◄┘
 *
 * Invariants
 * - What is deployed is what runs: the definition, the functions' code and environment, the table and the rule
 *   come from the template. Differences are overridden in one place (local-cloud.ts) or named where the library
 *   that runs the machine falls short (fail-cause.ts).
 * - Nothing that is started here can reach AWS, and nobody else on the machine can reach the database.
 * - Everything started is stopped by its Disposers, and what a killed run left is removed by the next one
 *   (run-directory.ts); processes end with their parent.
 *
 * Who is authoritative: PostgreSQL and the DynamoDB API for data; the synthesized template for the rest.
 *
 * What can fail: LS102 (no folder or no user that a server can use), LS104 (a package is not installed), LS901
 * (a server does not start).
 */
export { Disposers } from './disposers.ts';
export { type Deployment, type LocalCloud, type LocalCloudOptions, startLocalCloud } from './local-cloud.ts';
export { type PostgresServer, type PostgresServerOptions, startPostgresServer } from './postgres-server.ts';
export { type LocalRuntime, type RuntimeOptions, startLocalRuntime } from './runtime.ts';
export type { StateEvent } from './state-event.ts';
export type { ExecutionOutcome, LocalExecution } from './state-machine.ts';
export type { StackOptions } from './synthesize.ts';
