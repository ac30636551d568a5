/** The strong locks of a step: those that the ledger recorded, and those that were seen from outside. */
import type { StrongMode } from '../locks/index.ts';
import { stronger } from '../locks/index.ts';
import { SourceText } from '../plan/compile/source-text.ts';
import type { Script, Statement } from '../plan/index.ts';
import type { Held } from './document.ts';
import type { RelationFile } from './footprint.ts';

/** As the ledger has it, or as it was seen. */
export interface FoundLock {
  readonly relation: string;
  readonly mode: StrongMode;
  readonly heldMs: number;
}

interface Found {
  /** From the begin of the step's transaction to its end. */
  readonly recorded: readonly FoundLock[];
  /** Now and then by another session: also what functions locked; not what was held for a moment only. */
  readonly seen: readonly FoundLock[];
}

/** Each relation once, with its strongest mode; what was recorded says for how long at most. */
export function heldIn(
  { recorded, seen }: Found,
  before: readonly RelationFile[],
  script: Script,
  statements: readonly Statement[],
): Held[] {
  const locks = new Map<string, FoundLock>();
  for (const lock of [...recorded, ...seen]) {
    const known = locks.get(lock.relation);
    locks.set(lock.relation, known ? { ...known, mode: stronger(known.mode, lock.mode) } : lock);
  }
  return [...locks.values()].map(({ relation, mode, heldMs }) => ({
    relation,
    mode,
    heldMs,
    isRecorded: recorded.some((lock) => lock.relation === relation),
    bytes: before.find(({ name }) => name === relation)?.bytes ?? null,
    line: lineThatLocks(relation, script, statements),
  }));
}

function lineThatLocks(relation: string, script: Script, statements: readonly Statement[]): number | null {
  const [schema, name] = namesIn(relation);
  const statement = statements.find(({ locks }) =>
    locks?.some((lock) => lock.relation === name && (lock.schema ?? schema) === schema),
  );
  if (!statement) return null;
  return new SourceText(script.file, Buffer.from(script.sql, 'utf8')).lineAt(statement.start);
}

/** Schema and name of `app."Order"`, without quotes. */
function namesIn(relation: string): string[] {
  return [...relation.matchAll(/"((?:[^"]|"")+)"|([^".]+)/g)].map(
    ([, quoted, plain]) => quoted?.replaceAll('""', '"') ?? plain ?? '',
  );
}
