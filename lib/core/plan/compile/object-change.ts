/** What a statement does to the objects of a database, and how it names them. */
import type { RangeVar, StringNode } from './parse-tree.ts';

export type ObjectKind =
  | 'schema'
  | 'extension'
  | 'type'
  | 'function'
  | 'relation'
  | 'column'
  | 'constraint'
  | 'trigger';

/** A name as a statement writes it. */
export interface Named {
  readonly kind: ObjectKind;
  readonly schema: string | undefined;
  /** Of a column, a constraint, a trigger, and of an index when it is created. */
  readonly table: string | undefined;
  readonly name: string;
}

export type ObjectChange =
  /** `word`: what people call it; `mentions`: the names that its definition uses. */
  | {
      readonly kind: 'created';
      readonly object: Named;
      readonly word: string;
      readonly mentions: ReadonlySet<string>;
    }
  | { readonly kind: 'dropped'; readonly object: Named; readonly cascade: boolean }
  | { readonly kind: 'renamed'; readonly object: Named; readonly to: string }
  | { readonly kind: 'moved'; readonly object: Named; readonly schema: string }
  /** Where new names go from here on in this script. */
  | { readonly kind: 'search-path'; readonly path: readonly string[] }
  /** Anything with one of these names may be gone; with none given, anything at all. */
  | { readonly kind: 'unclear'; readonly names: ReadonlySet<string> | undefined };

export const create = (object: Named, word: string, definition: unknown = undefined): ObjectChange => ({
  kind: 'created',
  object,
  word,
  mentions: namesIn(definition),
});

export const named = (kind: ObjectKind, parts: readonly string[]): Named => {
  const [name = '', schema] = [...parts].reverse();
  return { kind, schema, table: undefined, name };
};
export const relation = ({ schemaname: schema, relname: name }: RangeVar): Named => ({
  kind: 'relation',
  schema,
  table: undefined,
  name,
});
export const partOf = (
  { schemaname: schema, relname: table }: RangeVar,
  kind: ObjectKind,
  name: string,
): Named => ({
  kind,
  schema,
  table,
  name,
});
export const texts = (names: readonly StringNode[] | undefined): string[] =>
  (names ?? []).flatMap((name) => name.String?.sval ?? []);

/** Every text in a part of the tree: names of columns among them. */
function namesIn(tree: unknown, found = new Set<string>()): Set<string> {
  if (typeof tree === 'string') found.add(tree);
  else if (typeof tree === 'object' && tree !== null)
    for (const value of Object.values(tree)) namesIn(value, found);
  return found;
}
