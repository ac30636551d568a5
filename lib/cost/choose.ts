import type { Condition, State } from './definition.ts';

export type Data = Readonly<Record<string, unknown>>;

/** What is at `$.a.b`; undefined if there is nothing. */
export function valueAt(data: unknown, path: string): unknown {
  return keysOf(path).reduce<unknown>((found, key) => (isObject(found) ? found[key] : undefined), data);
}

export function withValueAt(data: Data, path: string, value: unknown): Data {
  const [key = '', ...deeper] = keysOf(path);
  if (deeper.length === 0) return { ...data, [key]: value };
  const child = data[key];
  return { ...data, [key]: withValueAt(isObject(child) ? child : {}, `$.${deeper.join('.')}`, value) };
}

/** The state that a Choice goes on to. Throws, as Step Functions fails, when what it looks at is missing. */
export function choose(name: string, { Choices = [], Default }: State, data: Data): string {
  const next = Choices.find((choice) => holds(choice, data))?.Next ?? Default;
  if (next === undefined) throw new Error(`The choice ${name} leads nowhere`);
  return next;
}

function holds({ Variable: path = '', ...condition }: Condition, data: Data): boolean {
  if (condition.And) return condition.And.every((each) => holds(each, data));
  const value = valueAt(data, path);
  if (condition.IsPresent !== undefined) return (value !== undefined) === condition.IsPresent;
  const expected = condition.StringEquals ?? condition.BooleanEquals;
  if (expected === undefined) throw new Error(`The walk does not know ${JSON.stringify(condition)}`);
  if (value === undefined) throw new Error(`A choice looks at ${path}, and there is nothing`);
  return value === expected;
}

function keysOf(path: string): string[] {
  if (!/^\$(\.\w+)+$/.test(path)) throw new Error(`The walk does not know the path ${path}`);
  return path.split('.').slice(1);
}

const isObject = (value: unknown): value is Data => typeof value === 'object' && value !== null;
