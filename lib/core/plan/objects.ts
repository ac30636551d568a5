/**
 * Which objects have to be there, if what is applied is applied: a fold over what the applied scripts do, in their
 * order. It knows no database. Names without a schema are matched with any schema, and what may have been dropped is
 * not expected any more: an object that is reported as missing should be missing.
 */
import type { Named, ObjectChange } from './compile/object-change.ts';

/** An object that is expected, with the revision that created it. */
export interface ExpectedObject extends Named {
  /** What people call it: table, index, column, … */
  readonly word: string;
  /** 0042_add_email */
  readonly createdBy: string;
}

interface Known extends ExpectedObject {
  /** Names that its definition uses. */
  readonly mentions: ReadonlySet<string>;
}

export interface ScriptChanges {
  /** 0042_add_email */
  readonly migration: string;
  readonly changes: readonly ObjectChange[];
}

/** `scripts` in the order in which they were applied. */
export function expectedObjects(scripts: readonly ScriptChanges[]): ExpectedObject[] {
  let known: readonly Known[] = [];
  for (const { migration, changes } of scripts) {
    let path: readonly string[] | undefined;
    for (const change of changes) {
      if (change.kind === 'search-path') path = change.path;
      else known = after(known, change, migration, path);
    }
  }
  return known.map(({ mentions: _, ...object }) => object);
}

type Created = Extract<ObjectChange, { kind: 'created' }>;

function after(
  known: readonly Known[],
  change: Exclude<ObjectChange, { kind: 'search-path' }>,
  createdBy: string,
  path: readonly string[] | undefined,
): readonly Known[] {
  switch (change.kind) {
    case 'created':
      return withCreated(known, change, createdBy, path);
    case 'dropped':
      return withoutDropped(known, change.object, change.cascade);
    case 'renamed':
      return withOne(known, change.object, (old, object) => renamed(old, object, change.to));
    case 'moved':
      // The objects of an extension are nobody's here.
      if (change.object.kind === 'extension') return known;
      return withOne(known, change.object, (old, object) =>
        object === old || isPartOf(object, old) ? { ...object, schema: change.schema } : object,
      );
    case 'unclear':
      return known.filter((object) => isClear(object, change.names));
    default:
      return change satisfies never;
  }
}

function withCreated(
  known: readonly Known[],
  { object, word, mentions }: Created,
  createdBy: string,
  path: readonly string[] | undefined,
): readonly Known[] {
  const schema = object.schema ?? schemaFor(known, object, path);
  if (schema === null) return known;
  const created = { ...object, schema, word, mentions, createdBy };
  return [...known.filter((other) => !(isSame(other, created) && other.schema === schema)), created];
}

/** Of an unqualified name; null when it cannot be told. */
function schemaFor(
  known: readonly Known[],
  { kind, table }: Named,
  path: readonly string[] | undefined,
): string | undefined | null {
  if (kind === 'schema' || kind === 'extension') return undefined;
  if (table === undefined) return path?.[0];
  const tables = known.filter(
    (o) =>
      o.kind === 'relation' &&
      o.table === undefined &&
      o.name === table &&
      (!path || o.schema === undefined || path.includes(o.schema)),
  );
  if (tables.length === 1) return tables[0]?.schema;
  return path ? null : undefined;
}

function withoutDropped(known: readonly Known[], dropped: Named, cascade: boolean): readonly Known[] {
  const gone = known.filter((object) => isSame(object, dropped));
  const left = known.filter(
    (object) =>
      !gone.some((other) => object === other || isPartOf(object, other) || usesColumn(object, other)),
  );
  return cascade ? left.filter((object) => !mayDependOn(object, dropped)) : left;
}

/** CASCADE takes along what depends on it, in whatever file that was made. */
function mayDependOn({ word, schema }: Known, { kind, name }: Named): boolean {
  if (kind === 'schema' && schema === name) return true;
  if (['relation', 'column', 'constraint'].includes(kind))
    return ['view', 'materialized view', 'constraint', 'function'].includes(word);
  return !['table', 'sequence', 'schema', 'extension'].includes(word);
}

/** With what `change` makes of the one object that is meant; which of several it is depends on the search_path. */
function withOne(
  known: readonly Known[],
  named: Named,
  change: (old: Known, object: Known) => Known,
): readonly Known[] {
  const [old, ...others] = known.filter((object) => isSame(object, named));
  if (!old || others.length > 0) return withoutDropped(known, named, false);
  return known.map((object) => change(old, object));
}

function renamed(old: Known, object: Known, to: string): Known {
  if (object === old) return { ...object, name: to };
  if (old.kind === 'schema') return object.schema === old.name ? { ...object, schema: to } : object;
  if (isPartOf(object, old)) return { ...object, table: to };
  if (usesColumn(object, old)) return { ...object, mentions: new Set([...object.mentions, to]) };
  return object;
}

const isClear = ({ name, table }: Named, unclear: ReadonlySet<string> | undefined): boolean =>
  unclear !== undefined && !unclear.has(name) && (table === undefined || !unclear.has(table));

const mayBeSame = (a: string | undefined, b: string | undefined): boolean =>
  a === undefined || b === undefined || a === b;

/** An index is named without its table. */
const isSame = (a: Named, b: Named): boolean =>
  a.kind === b.kind &&
  a.name === b.name &&
  mayBeSame(a.schema, b.schema) &&
  (a.kind === 'relation' || a.table === b.table);

const isPartOf = (object: Named, whole: Named): boolean =>
  whole.kind === 'relation' && object.table === whole.name && mayBeSame(object.schema, whole.schema);

const usesColumn = (object: Known, column: Named): boolean =>
  column.kind === 'column' &&
  object.table !== undefined &&
  object.table === column.table &&
  mayBeSame(object.schema, column.schema) &&
  object.mentions.has(column.name);
