import { nameParts, type ObjectName, type StatementNode } from '../plan/compile/parse-tree.ts';
import type { RelationLock } from './lock-mode.ts';

const RELATIONS = new Set([
  ...[
    'OBJECT_TABLE',
    'OBJECT_VIEW',
    'OBJECT_MATVIEW',
    'OBJECT_SEQUENCE',
    'OBJECT_FOREIGN_TABLE',
    'OBJECT_INDEX',
  ],
]);
/** Their names end with their own, after that of their table. */
const PARTS_OF_TABLES = new Set(['OBJECT_TRIGGER', 'OBJECT_RULE', 'OBJECT_POLICY']);

export function locksOfDrop({
  objects,
  removeType,
  concurrent,
}: NonNullable<StatementNode['DropStmt']>): RelationLock[] {
  if (concurrent) return [];
  if (RELATIONS.has(removeType)) return objects.flatMap((object) => locked(nameParts(object)));
  if (PARTS_OF_TABLES.has(removeType))
    return objects.flatMap((object: ObjectName) => locked(nameParts(object).slice(0, -1)));
  return [];
}

function locked(parts: readonly string[]): RelationLock[] {
  const [relation, schema] = parts.toReversed();
  if (relation === undefined) return [];
  return [{ ...(schema === undefined ? {} : { schema }), relation, mode: 'ACCESS EXCLUSIVE' }];
}
