import { StateMachine } from 'aws-local-stepfunctions';
import type { StateEvent } from './state-event.ts';
import type { Machine } from './workflow.ts';

/**
 * The cause that the execution's last state, a Fail state, gives. Step Functions takes an intrinsic function for
 * it, the library that runs the machine does not; but it takes one in a Pass state, so that evaluates it.
 */
export async function failCauseOf(
  { failCauses }: Machine,
  events: readonly StateEvent[],
): Promise<string | undefined> {
  const last = events.findLast((event) => event.kind === 'entered');
  const causePath = failCauses.get(last?.state ?? '');
  if (last === undefined || causePath === undefined) return undefined;
  const evaluate = new StateMachine({
    StartAt: 'Cause',
    States: { Cause: { Type: 'Pass', Parameters: { 'cause.$': causePath }, End: true } },
  });
  const output = (await evaluate.run(last.input as never).result) as { cause: string };
  return output.cause;
}
