/** RDS speaks AWS's oldest protocol: a form as the request, XML as the answer. */
import type { AwsError } from './service.ts';

type Form = { [key: string]: string | Form };

/**
 * `Tags.Tag.1.Key=a` as `{Tags: {Tag: {1: {Key: 'a'}}}}`.
 */
export function parseForm(body: string): Form {
  const root: Form = {};
  for (const [path, value] of new URLSearchParams(body)) {
    const keys = path.split('.');
    const last = keys.pop() as string;
    let at = root;
    for (const key of keys) {
      at[key] ??= {};
      at = at[key] as Form;
    }
    at[last] = value;
  }
  return root;
}

/** The entries of a list: `{Tag: {1: a, 2: b}}` as `[a, b]`; the member's name does not matter. */
export function listOf<T>(form: unknown): T[] {
  const members = Object.values((form ?? {}) as Record<string, Record<string, T>>)[0] ?? {};
  return Object.keys(members)
    .sort((a, b) => Number(a) - Number(b))
    .map((index) => members[index] as T);
}

const escapes: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };
const escapeXml = (text: string): string => text.replace(/[&<>"]/g, (c) => escapes[c] as string);

/** Objects become elements; an array becomes one element for each entry, under the array's own key. */
export function toXml(value: unknown): string {
  if (value instanceof Date) return value.toISOString();
  if (typeof value !== 'object' || value === null) return escapeXml(String(value));
  return Object.entries(value)
    .filter(([, child]) => child !== undefined)
    .flatMap(([key, child]) =>
      (Array.isArray(child) ? child : [child]).map((c) => `<${key}>${toXml(c)}</${key}>`),
    )
    .join('');
}

export const successXml = (action: string, result: unknown): string =>
  `<${action}Response><${action}Result>${toXml(result)}</${action}Result></${action}Response>`;

export const errorXml = (error: AwsError): string =>
  `<ErrorResponse>${toXml({ Error: { Type: 'Sender', Code: error.code, Message: error.message } })}</ErrorResponse>`;

/** As S3 says it. */
export const objectErrorXml = ({ code, message }: AwsError): string =>
  `<?xml version="1.0" encoding="UTF-8"?>\n${toXml({ Error: { Code: code, Message: message } })}`;
