import { expect, test } from 'vitest';
import { fullDefinition, longRunningDefinition } from '../constructs/workflow-machine.ts';
import { codeBlocks } from './markdown.ts';

interface State {
  readonly Type: string;
  readonly Next?: string;
  readonly Default?: string;
  readonly Choices?: readonly { readonly Next: string }[];
  readonly Catch?: readonly { readonly Next: string }[];
}

/** With approvals some lead elsewhere than without. */
const MACHINES = [longRunningDefinition, fullDefinition];

/** `from --> to`, each once, with the names that people see in the console. */
function transitions(): string[] {
  const states = MACHINES.flatMap(({ States }) => Object.entries(States as unknown as Record<string, State>));
  const all = states.flatMap(([name, { Type, Next, Default, Choices = [], Catch = [] }]) => {
    const following = [Next, Default, ...[...Choices, ...Catch].map((way) => way.Next)];
    if (Type === 'Succeed' || Type === 'Fail') following.push('[*]');
    return following.filter((next) => next !== undefined).map((next) => `${name} --> ${next}`);
  });
  return [...new Set([`[*] --> ${fullDefinition.StartAt}`, ...all])];
}

test('the diagram of the workflow has the states and the transitions of the state machine, and no others', () => {
  const diagram =
    codeBlocks('docs/architecture.md', 'mermaid').find((code) => code.startsWith('stateDiagram')) ?? '';
  const names = new Map(
    [...diagram.matchAll(/state "(.+)" as (\w+)/g)].map(([, name = '', id = '']) => [id, name]),
  );
  const nameOf = (id: string) => (id === '[*]' ? id : names.get(id));
  const drawn = [...diagram.matchAll(/(\S+) --> ([\w[\]*]+)/g)].map(
    ([, from = '', to = '']) => `${nameOf(from)} --> ${nameOf(to)}`,
  );
  expect([...names.values()].toSorted()).toEqual(Object.keys(fullDefinition.States).toSorted());
  expect(drawn.toSorted()).toEqual(transitions().toSorted());
});
