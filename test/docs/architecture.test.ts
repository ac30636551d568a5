import { expect, test } from 'vitest';
import {
  followingDefinition,
  fullDefinition,
  rehearsalDefinition,
  restoringDefinition,
  withoutApprovalDefinition,
  withoutRehearsalDefinition,
} from '../constructs/workflow-machine.ts';
import { codeBlocks } from './markdown.ts';

interface State {
  readonly Type: string;
  readonly Next?: string;
  readonly Default?: string;
  readonly Choices?: readonly { readonly Next: string }[];
  readonly Catch?: readonly { readonly Next: string }[];
}

interface Definition {
  readonly StartAt: string;
  readonly States: object;
}

/** `from --> to`, each once, with the names that people see in the console. */
function transitions(machines: readonly Definition[]): string[] {
  const states = machines.flatMap(({ States }) => Object.entries(States as unknown as Record<string, State>));
  const all = states.flatMap(([name, { Type, Next, Default, Choices = [], Catch = [] }]) => {
    const following = [Next, Default, ...[...Choices, ...Catch].map((way) => way.Next)];
    if (Type === 'Succeed' || Type === 'Fail') following.push('[*]');
    return following.filter((next) => next !== undefined).map((next) => `${name} --> ${next}`);
  });
  return [...new Set([...machines.map(({ StartAt }) => `[*] --> ${StartAt}`), ...all])];
}

test('the diagram of what a restore adds has the transitions that only that machine has', () => {
  const code = codeBlocks('docs/after-roll-out.md', 'mermaid').at(-1) ?? '';
  const names = new Map(
    [...code.matchAll(/state "(.+)" as (\w+)/g)].map(([, name = '', id = '']) => [id, name]),
  );
  const drawn = [...code.matchAll(/(\S+) --> (\w+)/g)].map(
    ([, from = '', to = '']) => `${names.get(from)} --> ${names.get(to) ?? to}`,
  );
  const common = transitions([followingDefinition(), followingDefinition({ policy: 'code-only' })]);
  const added = transitions([restoringDefinition()]).filter(
    (each) => !common.includes(each) && !each.endsWith('[*]'),
  );
  expect(drawn.toSorted()).toEqual(added.toSorted());
});

test.each([
  // With an option some lead elsewhere than without.
  [
    'docs/architecture.md',
    [fullDefinition, withoutRehearsalDefinition, rehearsalDefinition, withoutApprovalDefinition],
  ],
  ['docs/after-roll-out.md', [followingDefinition()]],
])('the diagram of %s has the states and the transitions of its machine, and no others', (path, machines) => {
  const diagram = codeBlocks(path, 'mermaid').find((code) => code.startsWith('stateDiagram')) ?? '';
  const names = new Map(
    [...diagram.matchAll(/state "(.+)" as (\w+)/g)].map(([, name = '', id = '']) => [id, name]),
  );
  const nameOf = (id: string) => (id === '[*]' ? id : names.get(id));
  const drawn = [...diagram.matchAll(/(\S+) --> ([\w[\]*]+)/g)].map(
    ([, from = '', to = '']) => `${nameOf(from)} --> ${nameOf(to)}`,
  );
  expect([...names.values()].toSorted()).toEqual(Object.keys(machines[0]?.States ?? {}).toSorted());
  expect(drawn.toSorted()).toEqual(transitions(machines).toSorted());
});
