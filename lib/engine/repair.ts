/** `repair`: brings the ledger up to files that were edited since they were applied. Nothing of them is executed. */
import {
  type Change,
  type DownScript,
  readDownScripts,
  readKeptDowns,
  readKeptSql,
  readLedger,
  recordRepairs,
  type Session,
} from '../adapters/postgres/index.ts';
import { keptSql } from '../core/plan/compile/canonical-sql.ts';
import {
  compareRevisions,
  type Edit,
  editedFiles,
  editsOf,
  isApplied,
  type LedgerState,
  type MigrationSource,
  mayBeRecorded,
  migrationName,
} from '../core/plan/index.ts';
import { lineDiff } from '../core/plan/line-diff.ts';
import type { Attempt } from './attempt.ts';
import { upChange } from './changes.ts';
import { type ExclusiveOptions, runExclusively } from './exclusively.ts';
import { refuseReadOnly, refuseUnknown } from './planning.ts';

export interface RepairOptions extends ExclusiveOptions {
  readonly source: MigrationSource;
  /** Revisions whose edits are to be recorded although they are more than cosmetic. */
  readonly accept: readonly string[];
}

export interface RepairResult {
  /** 0042_add_email, in the order of their revisions. */
  readonly recorded: readonly { readonly migration: string; readonly accepted: boolean }[];
  /** What is left, because nobody has accepted it. */
  readonly refused: readonly RefusedEdit[];
  /** Revisions that broke off in the middle, whose file is not there any more. */
  readonly orphaned: readonly string[];
}

export interface RefusedEdit {
  readonly revision: string;
  readonly migration: string;
  /** Null for a script that is what the ledger has, but for layout and comments. */
  readonly up: Difference | null;
  readonly down: Difference | null;
}

export interface Difference {
  readonly file: string;
  /** Of both texts without comments, in one layout: `- `, `+ ` or blanks in front. Null where it cannot be shown. */
  readonly diff: readonly string[] | null;
  /** Why there is no diff. */
  readonly reason: string | null;
}

/** Throws LS2xx, LS3xx, LS40x, LS504 for an accepted revision that is not known. */
export async function repair(options: RepairOptions): Promise<RepairResult> {
  for (const revision of options.accept) refuseUnknown(revision, options.source.catalog);
  return runExclusively<RepairResult>(options, {
    async look(session) {
      const found = await findEdits(session, options);
      if (found.edits.some((edit) => mayBeRecorded(edit, options.accept))) {
        refuseReadOnly(session);
        return undefined;
      }
      return { ...(await left(session, found, options)), recorded: [] };
    },
    work: (attempt) => record(attempt, options),
  });
}

interface Found {
  readonly ledger: LedgerState;
  readonly edits: readonly Edit[];
}

async function findEdits(session: Session, { source }: RepairOptions): Promise<Found> {
  const ledger = await readLedger(session);
  const applied = ledger.current.filter(isApplied);
  if (applied.length === 0) return { ledger, edits: [] };
  const downs = await readKeptDowns(session, applied);
  const edited = editedFiles(ledger, source.catalog, downs);
  const migrations = await source.load(edited.map((e) => e.revision));
  return { ledger, edits: editsOf(ledger, migrations, downs) };
}

async function record(attempt: Attempt, options: RepairOptions): Promise<RepairResult> {
  const { session } = attempt;
  const found = await findEdits(session, options);
  const edits = found.edits.filter((edit) => mayBeRecorded(edit, options.accept));
  const kept = await readDownScripts(
    session,
    edits.map((e) => e.entry),
  );
  const changes = edits.map((edit) => repairChange(edit, kept.get(edit.entry.entryId), attempt));
  await recordRepairs(session, changes);
  const recorded = edits.map(({ migration, up, down }) => ({
    migration: migrationName(migration),
    accepted: up === 'real' || down === 'real',
  }));
  return { ...(await left(session, found, options)), recorded };
}

/** A down file that is there counts; without one the way back stays as the ledger has it. */
function repairChange({ entry, migration }: Edit, kept: DownScript | undefined, attempt: Attempt): Change {
  const change = { ...upChange(migration, entry.ordinal + 1, attempt), kind: 'repaired' as const };
  if (migration.down || !kept) return change;
  const { lockTimeoutMs, statementTimeoutMs, lockWaitMs, ...down } = kept;
  return { ...change, down, lockTimeoutMs, statementTimeoutMs, lockWaitMs };
}

async function left(
  session: Session,
  { ledger, edits }: Found,
  { source, accept }: RepairOptions,
): Promise<Omit<RepairResult, 'recorded'>> {
  const refused = edits.filter((edit) => !mayBeRecorded(edit, accept));
  const isThere = (revision: string) =>
    source.catalog.some((e) => compareRevisions(e.revision, revision) === 0);
  return {
    refused: refused.length === 0 ? [] : await show(session, refused),
    orphaned: ledger.partial
      .filter((p) => p.direction === 'up' && !isThere(p.revision))
      .map((p) => p.revision),
  };
}

async function show(session: Session, edits: readonly Edit[]): Promise<RefusedEdit[]> {
  const entries = edits.map((e) => e.entry);
  const ups = await readKeptSql(session, entries);
  const downs = await readDownScripts(session, entries);
  return edits.map(({ entry, migration, up, down }) => ({
    revision: migration.revision,
    migration: migrationName(migration),
    up: up === 'real' ? difference(ups.get(entry.entryId), migration.up) : null,
    // Without one in the ledger, all of the file is new.
    down:
      down === 'real' && migration.down
        ? difference(keptSql(downs.get(entry.entryId)?.sql ?? ''), migration.down)
        : null,
  }));
}

function difference(before: string | undefined, { file, sql }: { file: string; sql: string }): Difference {
  const after = keptSql(sql);
  const none = (reason: string) => ({ file, diff: null, reason });
  if (before === undefined) return none('the ledger keeps no copy of a script above 64 KB');
  if (after === undefined) return none('the file is above 64 KB now');
  const diff = lineDiff(before, after);
  return diff.length > 0
    ? { file, diff, reason: null }
    : none('they differ in a password, which is not kept');
}
