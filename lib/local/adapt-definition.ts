/**
 * Where the library that runs the machine falls short of Step Functions. Nothing that a state does is changed:
 * what it cannot read is written in a way that it can, or is done in fail-cause.ts.
 */
import type { StateMachineDefinition } from 'aws-local-stepfunctions';

export interface AdaptedDefinition {
  readonly definition: StateMachineDefinition;
  /** Causes of Fail states that are intrinsic functions, by state: the library knows paths only. */
  readonly failCauses: ReadonlyMap<string, string>;
}

type State = StateMachineDefinition['States'][string];

export function adaptDefinition(definition: StateMachineDefinition): AdaptedDefinition {
  const failCauses = new Map<string, string>();
  const adapt = (name: string, state: State): State => {
    if (state.Type === 'Fail' && 'CausePath' in state && state.CausePath?.startsWith('States.')) {
      const { CausePath, ...rest } = state;
      failCauses.set(name, CausePath);
      return rest;
    }
    // The default, said aloud; the library would make a field of this name.
    if ('ResultPath' in state && state.ResultPath === '$') {
      const { ResultPath, ...rest } = state;
      return rest as State;
    }
    return state;
  };
  const states = Object.entries(definition.States).map(([name, state]) => [name, adapt(name, state)]);
  return { definition: { ...definition, States: Object.fromEntries(states) }, failCauses };
}
