/** What a source file refers to, read from its syntax tree. */
import { posix } from 'node:path';
import { parseAst } from 'vitest/node';

/** Values and types, static and dynamic: a path from the repository's root, or the name of a package as written. */
export function importsOf(file: string, text: string): string[] {
  const found: string[] = [];
  walk(parseAst(text, { lang: 'ts' }), ({ source }) => {
    const isText = isNode(source) && source.type === 'Literal' && typeof source.value === 'string';
    if (isText) found.push(source.value as string);
  });
  return found.map((specifier) =>
    specifier.startsWith('.') ? posix.join(posix.dirname(file), specifier) : specifier,
  );
}

/** Names that are used as values: `Date`, `process`; and members of them: `Math.random`. */
export function namesOf(text: string): Set<string> {
  const found = new Set<string>();
  walk(parseAst(text, { lang: 'ts' }), ({ type, name, object, property, callee }) => {
    if (type === 'MemberExpression' && isNode(object) && isNode(property)) {
      found.add(`${object.name}.${property.name}`).add(String(object.name));
    }
    if (isNode(callee)) found.add(String(callee.name));
    if (type === 'Identifier' && name === 'process') found.add(name);
  });
  return found;
}

type Node = { readonly type: string; readonly [key: string]: unknown };

const isNode = (value: unknown): value is Node =>
  typeof value === 'object' && value !== null && typeof (value as Node).type === 'string';

function walk(value: unknown, visit: (node: Node) => void): void {
  if (Array.isArray(value)) for (const item of value) walk(item, visit);
  if (!isNode(value)) return;
  visit(value);
  for (const child of Object.values(value)) walk(child, visit);
}
