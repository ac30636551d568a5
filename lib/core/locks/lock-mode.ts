/** Modes of table locks, https://www.postgresql.org/docs/current/explicit-locking.html#LOCKING-TABLES. */

/** From the weakest to the strongest, as LOCK TABLE calls them and in the order of the server's own numbers, from 1. */
export const LOCK_MODES = [
  'ACCESS SHARE',
  'ROW SHARE',
  'ROW EXCLUSIVE',
  'SHARE UPDATE EXCLUSIVE',
  'SHARE',
  'SHARE ROW EXCLUSIVE',
  'EXCLUSIVE',
  'ACCESS EXCLUSIVE',
] as const;
export type LockMode = (typeof LOCK_MODES)[number];

/** Strong: in the way of those who read (ACCESS SHARE) or write (ROW EXCLUSIVE) in the ordinary course of things. */
export const STRONG_MODES = ['SHARE', 'SHARE ROW EXCLUSIVE', 'EXCLUSIVE', 'ACCESS EXCLUSIVE'] as const;
export type StrongMode = (typeof STRONG_MODES)[number];

export const isStrong = (mode: LockMode): mode is StrongMode =>
  (STRONG_MODES as readonly LockMode[]).includes(mode);

/** The table of conflicts, for the strong modes. SHARE is the only one of them that two may have at once. */
const CONFLICTS: Readonly<Record<StrongMode, readonly LockMode[]>> = {
  SHARE: LOCK_MODES.filter((mode) => !['ACCESS SHARE', 'ROW SHARE', 'SHARE'].includes(mode)),
  'SHARE ROW EXCLUSIVE': LOCK_MODES.slice(2),
  EXCLUSIVE: LOCK_MODES.slice(1),
  'ACCESS EXCLUSIVE': LOCK_MODES,
};

/** Modes that others may not have while one has, or wants, this one. */
export const conflictsOf = (mode: StrongMode): readonly LockMode[] => CONFLICTS[mode];

/** As pg_locks.mode has it: AccessExclusiveLock. */
export const serverName = (mode: LockMode): string =>
  `${mode.toLowerCase().replaceAll(/(?:^| )([a-z])/g, (_, letter: string) => letter.toUpperCase())}Lock`;

export const stronger = (a: StrongMode, b: StrongMode): StrongMode =>
  STRONG_MODES.indexOf(a) >= STRONG_MODES.indexOf(b) ? a : b;

/** One relation that a statement locks, as the statement names it. */
export interface RelationLock {
  readonly schema?: string | undefined;
  readonly relation: string;
  readonly mode: StrongMode;
}

export const relationKey = ({ schema, relation }: Omit<RelationLock, 'mode'>): string =>
  JSON.stringify([schema ?? null, relation]);

/** The strong locks that are known of statements, each relation once. */
export const wantedBy = (
  statements: readonly { readonly locks?: readonly RelationLock[] | undefined }[],
): RelationLock[] => strongestOf(statements.flatMap(({ locks }) => locks ?? []));

/** Each relation once, with the strongest of its modes, in the order in which they first come. */
export function strongestOf(locks: readonly RelationLock[]): RelationLock[] {
  const found = new Map<string, RelationLock>();
  for (const lock of locks) {
    const before = found.get(relationKey(lock));
    found.set(relationKey(lock), before ? { ...lock, mode: stronger(before.mode, lock.mode) } : lock);
  }
  return [...found.values()];
}
