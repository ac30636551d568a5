/** What each function needs, as data: the constructs, the state machine and the tests read it from here. */
import { Duration } from 'aws-cdk-lib';
import type {
  DeployerFunctionName,
  FunctionName,
  RehearsalFunctionName,
  ReportFunctionName,
  RollOutFunctionName,
} from '../core/workflow/state-name.ts';

export interface FunctionSettings {
  readonly description: string;
  /** Whether it connects to the database, and so has to run in its network. */
  readonly usesDatabase: boolean;
  readonly timeout: Duration;
}

/** Long enough to wake a paused serverless cluster (about 30 s; the functions try for 60) and then to work. */
const ONE_LOOK_AT_THE_DATABASE = Duration.minutes(3);
const ONE_CALL_OF_AWS = Duration.minutes(1);

/** @param migrateTimeout of the two functions that run the user's SQL. */
export const functionSettings = (
  migrateTimeout: Duration,
): Readonly<Record<FunctionName, FunctionSettings>> => ({
  plan: {
    description: 'compares the ledger with the bundle',
    usesDatabase: true,
    timeout: ONE_LOOK_AT_THE_DATABASE,
  },
  'take-restore-point': {
    description: 'begins a snapshot or a clone and says how far it is',
    usesDatabase: false,
    timeout: ONE_CALL_OF_AWS,
  },
  'acquire-lease': {
    description: 'tries once to acquire the lease',
    usesDatabase: false,
    timeout: ONE_CALL_OF_AWS,
  },
  migrate: { description: 'applies pending migrations', usesDatabase: true, timeout: migrateTimeout },
  'release-lease': { description: 'releases the lease', usesDatabase: false, timeout: ONE_CALL_OF_AWS },
  'roll-back': {
    description: 'reverts what a failed run applied, if that is the policy',
    usesDatabase: true,
    timeout: migrateTimeout,
  },
  'clean-up': {
    description: 'cleans up after a run that was stopped or timed out',
    usesDatabase: true,
    timeout: ONE_LOOK_AT_THE_DATABASE,
  },
});

/** None of them uses the database. Deliver verdict may wait for several receivers, one after the other. */
export const DEPLOYER_FUNCTIONS: Readonly<Record<DeployerFunctionName, FunctionSettings>> = {
  'deliver-verdict': {
    description: 'tells receivers and deployers the verdict of a run',
    usesDatabase: false,
    timeout: Duration.minutes(3),
  },
  'start-run': { description: 'starts a run for a deployer', usesDatabase: false, timeout: ONE_CALL_OF_AWS },
  'answer-ecs-hook': {
    description: 'tells ECS how the run of its deployment is',
    usesDatabase: false,
    timeout: ONE_CALL_OF_AWS,
  },
  'answer-codepipeline-job': {
    description: 'tells CodePipeline how the run of its action is',
    usesDatabase: false,
    timeout: ONE_CALL_OF_AWS,
  },
};

/** None of them uses the database. */
export const ROLL_OUT_FUNCTIONS: Readonly<Record<RollOutFunctionName, FunctionSettings>> = {
  'await-roll-out': {
    description: 'looks how a roll-out is',
    usesDatabase: false,
    timeout: ONE_CALL_OF_AWS,
  },
  'stop-roll-out': {
    description: 'sends an unhealthy roll-out back',
    usesDatabase: false,
    timeout: ONE_CALL_OF_AWS,
  },
  'restore-database': {
    description: 'makes a new database of a restore point, once a person has approved',
    usesDatabase: false,
    timeout: ONE_CALL_OF_AWS,
  },
};

export const REPORT_FUNCTIONS: Readonly<Record<ReportFunctionName, FunctionSettings>> = {
  'keep-report': {
    description: 'writes the report of a run to S3',
    usesDatabase: true,
    timeout: ONE_CALL_OF_AWS,
  },
};
/** @param migrateTimeout of the one that runs the user's SQL, on the copy. */
export const rehearsalFunctions = (
  migrateTimeout: Duration,
): Readonly<Record<RehearsalFunctionName, FunctionSettings>> => ({
  'make-copy': {
    description: 'begins a copy of the database and says how far it is',
    usesDatabase: false,
    timeout: ONE_CALL_OF_AWS,
  },
  rehearse: {
    description: 'applies what is pending to a copy and measures it',
    usesDatabase: true,
    timeout: migrateTimeout,
  },
  'remove-copies': {
    description: 'removes copies of the database that are not needed any more',
    usesDatabase: false,
    timeout: Duration.minutes(3),
  },
});
