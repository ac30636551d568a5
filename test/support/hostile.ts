/** Values for what comes from outside: nearly right ones, and ones that are nothing like it. */
import fc from 'fast-check';
import * as z from 'zod';

const hostileText = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 20 }),
  fc.constantFrom(
    '',
    '\0',
    '\uFEFF',
    "'; DROP TABLE a; --",
    '../../etc/passwd',
    '\r\n',
    '‮',
    'x'.repeat(10_000),
  ),
);
const hostileNumber = fc.oneof(fc.double(), fc.constantFrom(0, -1, 1e308, Number.MAX_SAFE_INTEGER + 1));

/** With names that mean something to JavaScript, and nested deeply. */
export const hostileJson: fc.Arbitrary<unknown> = fc.oneof(
  fc.json().map((text) => JSON.parse(text) as unknown),
  hostileText,
  hostileNumber,
  fc.constant(
    JSON.parse('{"__proto__":{"polluted":true},"constructor":{"prototype":{"polluted":true}}}') as unknown,
  ),
  fc.nat({ max: 300 }).map((depth) => JSON.parse('['.repeat(depth + 1) + ']'.repeat(depth + 1)) as unknown),
);

interface JsonSchema {
  readonly type?: string;
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly anyOf?: readonly JsonSchema[];
  readonly oneOf?: readonly JsonSchema[];
  readonly items?: JsonSchema;
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly required?: readonly string[];
}

/** Of the shape that the schema asks for, with something else in its place here and there. */
export const likeSchema = (schema: z.ZodType): fc.Arbitrary<unknown> =>
  valuesOf(z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }) as JsonSchema);

const RARELY = 40;

function valuesOf(schema: JsonSchema): fc.Arbitrary<unknown> {
  return fc.oneof({ weight: RARELY, arbitrary: exactly(schema) }, { weight: 1, arbitrary: hostileJson });
}

function exactly({
  type,
  const: only,
  enum: some,
  anyOf,
  oneOf = anyOf,
  ...rest
}: JsonSchema): fc.Arbitrary<unknown> {
  if (only !== undefined) return fc.constant(only);
  if (some) return fc.constantFrom(...some);
  if (oneOf) return fc.oneof(...oneOf.map(valuesOf));
  switch (type) {
    case 'object':
      return objectsOf(rest);
    case 'array':
      return fc.array(rest.items ? valuesOf(rest.items) : hostileJson, { maxLength: 3 });
    case 'string':
      return fc.oneof(
        hostileText,
        fc.date({ noInvalidDate: true }).map((date) => date.toISOString()),
        fc.uuid(),
      );
    case 'integer':
    case 'number':
      return fc.oneof(fc.nat(), hostileNumber);
    case 'boolean':
      return fc.boolean();
    case 'null':
      return fc.constant(null);
    default:
      return hostileJson;
  }
}

const objectsOf = ({ properties = {}, required = [] }: JsonSchema): fc.Arbitrary<unknown> =>
  fc.record(Object.fromEntries(Object.entries(properties).map(([name, of]) => [name, valuesOf(of)])), {
    requiredKeys: [...required],
  });
