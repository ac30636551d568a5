import {
  DescribeExecutionCommand,
  ListExecutionsCommand,
  type SFNClient,
  StartExecutionCommand,
} from '@aws-sdk/client-sfn';
import { isNamed, LockstepError, NOTHING_CHANGED } from '../../core/errors/index.ts';
import { type Verdict, verdictSchema } from '../../core/rollout/index.ts';
import { type RunRequest, type StartInput, startInputSchema } from '../../core/workflow/index.ts';

/** ARN of the machine's execution with this name. */
export const executionArnOf = (stateMachineArn: string, run: string): string =>
  `${stateMachineArn.replace(':stateMachine:', ':execution:')}:${run}`;

/** Gives the ARN of the run, which may have been started before and may have ended. Throws LS703. */
export async function startRun(
  client: SFNClient,
  stateMachineArn: string,
  { name, input }: RunRequest,
): Promise<string> {
  const executionArn = executionArnOf(stateMachineArn, name);
  try {
    await client.send(new StartExecutionCommand({ stateMachineArn, name, input: JSON.stringify(input) }));
  } catch (error) {
    if (!isNamed(error, ['ExecutionAlreadyExists'])) throw notStarted(name, error);
  }
  return executionArn;
}

/** A run as the one who asked for it has to know it. */
export type RunState =
  | { readonly kind: 'running'; readonly input: StartInput; readonly startedAtMs: number }
  | {
      readonly kind: 'succeeded';
      readonly input: StartInput;
      readonly startedAtMs: number;
      readonly stoppedAtMs: number;
      /** Undefined when the output is not a verdict, as after a change of the machine. */
      readonly verdict: Verdict | undefined;
    }
  | {
      readonly kind: 'failed';
      readonly input: StartInput;
      readonly startedAtMs: number;
      readonly stoppedAtMs: number;
      /** What a person reads: error and cause, or how it was ended. */
      readonly message: string;
    };

/** Undefined when there is no such run. Throws LS703 when Step Functions does not say. */
export async function readRunState(client: SFNClient, executionArn: string): Promise<RunState | undefined> {
  const found = await client.send(new DescribeExecutionCommand({ executionArn })).catch((error: unknown) => {
    if (isNamed(error, ['ExecutionDoesNotExist'])) return undefined;
    throw notRead(executionArn, error);
  });
  if (!found) return undefined;
  const { status, error, cause } = found;
  const input = startInputSchema.safeParse(parseJson(found.input)).data ?? {};
  const facts = { input, startedAtMs: found.startDate?.getTime() ?? 0 };
  const ended = { ...facts, stoppedAtMs: found.stopDate?.getTime() ?? 0 };
  switch (status) {
    case 'SUCCEEDED':
      return { kind: 'succeeded', ...ended, verdict: verdictSchema.safeParse(parseJson(found.output)).data };
    case 'FAILED':
      return { kind: 'failed', ...ended, message: cause ?? error ?? 'The run failed.' };
    case 'TIMED_OUT':
      return { kind: 'failed', ...ended, message: 'The run was ended because its time was up.' };
    case 'ABORTED':
      return { kind: 'failed', ...ended, message: 'The run was stopped.' };
    default:
      return { kind: 'running', ...facts };
  }
}

/** More than this many runs do not end in the few minutes for which a verdict may be late. */
const NEWEST = 50;

/**
 * Whether another run of the machine ended with a signal of its own after this one, or after `sentAtMs` (since 1970): a run
 * that is sent back when its roll-out was unhealthy has a second verdict, long after its end. Of two that ended in the same
 * moment the name decides, so that each of them sees the same one as newer. Throws LS703.
 */
export async function hasNewerVerdict(
  client: SFNClient,
  stateMachineArn: string,
  run: string,
  { state, sentAtMs }: { readonly state: RunState; readonly sentAtMs: number },
): Promise<boolean> {
  if (state.kind === 'running') return false;
  // Of the verdict with which it ended the event is older than the end, and its time is cut to whole seconds.
  const sinceMs = Math.max(state.stoppedAtMs, sentAtMs);
  const listed = await client
    .send(new ListExecutionsCommand({ stateMachineArn, maxResults: NEWEST }))
    .catch((error: unknown) => {
      throw notRead(stateMachineArn, error);
    });
  const later = (listed.executions ?? []).filter(({ name = '', stopDate }) => {
    const theirs = stopDate?.getTime() ?? 0;
    return theirs > sinceMs || (theirs === sinceMs && name > run);
  });
  for (const { executionArn = '' } of later) {
    const other = await readRunState(client, executionArn);
    const isDryRun = other?.kind === 'succeeded' && other.verdict?.signal === 'NONE';
    if (other && other.kind !== 'running' && !isDryRun) return true;
  }
  return false;
}

function parseJson(text: string | undefined): unknown {
  try {
    return JSON.parse(text ?? '');
  } catch {
    return undefined;
  }
}

const reason = (error: unknown): string =>
  error instanceof Error ? `${error.name}: ${error.message}` : String(error);

const notStarted = (name: string, cause: unknown): LockstepError =>
  new LockstepError('LS703', {
    what: `The run ${name} could not be started: ${reason(cause)}.`,
    state: NOTHING_CHANGED,
    remedy: 'Start it in the Step Functions console, or let the deployer ask again.',
    context: { run: name },
    cause,
  });

const notRead = (what: string, cause: unknown): LockstepError =>
  new LockstepError('LS703', {
    what: `Step Functions does not say how it stands with ${what}: ${reason(cause)}.`,
    state: 'The run goes on, or has ended: its execution in the console tells.',
    remedy: 'Check that the function may describe executions, and ask again.',
    cause,
  });
