/** The manifests in examples/, read as the platforms read them, and the platforms' own schemas (schemas/README.md). */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv, type ValidateFunction } from 'ajv';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { parse } from 'yaml';

export const EXAMPLES = join(import.meta.dirname, '..', '..', 'examples');

export const readExample = (path: string): string => readFileSync(join(EXAMPLES, path), 'utf8');

// biome-ignore lint/suspicious/noExplicitAny: what is in it, the schema of its platform says
export type Manifest = any;

/** Helm's values are put in where they stand, as it does. */
export const readManifest = (path: string): Manifest =>
  parse(readExample(path).replaceAll(/\{\{ [.\w]+ \}\}/g, 'orders'));

/** JSON Schema's newest draft for the Compose file, draft 7 for all others; formats are the platforms' own. */
const OPTIONS = { strict: false, validateFormats: false, allErrors: true };

export const readSchema = (name: string): Manifest =>
  JSON.parse(readFileSync(join(import.meta.dirname, 'schemas', `${name}.json`), 'utf8'));

/** Compiling one takes half a second. */
const compiled = new Map<string, ValidateFunction>();

/** @param reference of a part of the schema: `#/$defs/io.k8s.api.batch.v1.Job` */
export function validatorOf(name: string, reference = '#'): ValidateFunction {
  const known = compiled.get(name + reference);
  if (known) return known;
  const { $id: _, ...schema } = readSchema(name);
  const ajv = schema.$schema.includes('2020-12') ? new Ajv2020(OPTIONS) : new Ajv(OPTIONS);
  const validate = ajv.addSchema(schema, name).getSchema(name + reference)!;
  compiled.set(name + reference, validate);
  return validate;
}

/** What does not fit, each as `path: what`. */
export function problemsOf(validate: ValidateFunction, value: unknown): string[] {
  validate(value);
  return (validate.errors ?? []).map(
    ({ instancePath, message, params }) => `${instancePath}: ${message} ${JSON.stringify(params)}`,
  );
}
