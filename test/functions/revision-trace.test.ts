/** The parts of a trace: one for each migration, none of them left open. */
import { expect, test } from 'vitest';
import { RevisionTrace } from '../../functions/_runtime/revision-trace.ts';
import type { EngineEvent } from '../../lib/engine/index.ts';

type Parent = ReturnType<ConstructorParameters<typeof RevisionTrace>[0]>;

function traced() {
  const said: string[] = [];
  const part = (name: string) => ({
    addAnnotation: (key: string, value: string) => said.push(`${name}: ${key} ${value}`),
    addErrorFlag: () => said.push(`${name} failed`),
    close: () => said.push(`${name} ends`),
  });
  const parent = {
    addNewSubsegment: (name: string) => {
      said.push(`${name} begins`);
      return part(name);
    },
  };
  return { said, trace: new RevisionTrace(() => parent as unknown as Parent) };
}

const started = (migration: string, step: number): EngineEvent => ({
  kind: 'step-started',
  migration,
  direction: 'up',
  step,
  steps: 2,
});
const done = (migration: string): EngineEvent => ({
  kind: 'migration-done',
  migration,
  direction: 'up',
  durationMs: 1,
});

test('each migration is a part of its own, however many steps it has', () => {
  const { said, trace } = traced();
  for (const event of [started('0001_a', 1), started('0001_a', 2), done('0001_a'), started('0002_b', 1)])
    trace.see(event);
  trace.end('failed');
  trace.end('failed');
  const annotated = (name: string) => [`${name}: migration ${name}`, `${name}: direction up`];
  expect(said).toEqual([
    '0001_a begins',
    ...annotated('0001_a'),
    '0001_a ends',
    '0002_b begins',
    ...annotated('0002_b'),
    '0002_b failed',
    '0002_b ends',
  ]);
});

test('without a trace nothing happens', () => {
  const trace = new RevisionTrace(() => undefined);
  trace.see(started('0001_a', 1));
  expect(() => trace.end('failed')).not.toThrow();
});
