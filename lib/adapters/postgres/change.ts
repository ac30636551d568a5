/**
 * What a migration, its way back, or a repeatable object writes: the values of its ledger row, and the script that makes
 * it true.
 */
import { keptSql } from '../../core/plan/compile/canonical-sql.ts';
import {
  type Migration,
  migrationName,
  type Script,
  type Step,
  sha256,
  statementTexts,
} from '../../core/plan/index.ts';
import type { Before } from './effect.ts';
import { insertRepeatable, leaveRepeatable } from './repeatables.ts';
import type { SessionFacts } from './session.ts';
import { literal } from './sql.ts';

/** As the ledger keeps it: it runs with the settings of its migration. */
export type DownScript = Script & Migration['settings'];

/** Of a row of the ledger. */
export interface EntryKey {
  readonly revision: string;
  readonly ordinal: number;
}

export interface Change extends EntryKey {
  readonly kind: 'applied' | 'reverted' | 'stamped' | 'baselined' | 'repaired' | 'repeatable';
  /** `R` of a repeatable object, whose name is the slug: as its file is called. */
  readonly revision: string;
  /** Of the ledger row that this change writes. */
  readonly ordinal: number;
  readonly slug: string;
  readonly phase: string;
  /** Of the up script, in both directions. */
  readonly sha256: string;
  readonly normalizedSha256: string;
  readonly script: Script;
  readonly steps: readonly Step[];
  /** Kept in the ledger, so that a later `down` needs no files. */
  readonly down: Script | undefined;
  readonly lockTimeoutMs: number | undefined;
  readonly statementTimeoutMs: number | undefined;
  /** For how long a step may wait for its locks; the attempt's, if the file says nothing. */
  readonly lockWaitMs: number | undefined;
  /**
   * Whether a COMMIT is on disk when it returns. If not, a later one of the same run waits for both, as the server writes
   * its log in one order; a server that crashes before takes this change back as a whole, its ledger row with it.
   */
  readonly isDurable: boolean;
  /** The one before it in this run, where it may be sent before that one is answered; see engine/ahead.ts. */
  readonly follows?: EntryKey | undefined;
  readonly runId: string;
  readonly token: number;
}

/** A statement may end in a comment that reaches to the end of its line. */
export const STATEMENT_SEPARATOR = '\n;\n';

export const isLastStep = (change: Change, step: Step): boolean => step.index === change.steps.length - 1;

export function stepTexts(change: Change, step: Step): string[] {
  const statements = step.kind === 'transaction' ? step.statements : [step.statement];
  return statementTexts(change.script.sql, statements);
}

/** By which a step is known again when a broken-off migration goes on. */
export const stepSha256 = (change: Change, step: Step): string =>
  sha256(stepTexts(change, step).join(STATEMENT_SEPARATOR));

/** Nor is one let in that follows another one, of which the row is missing. */
export const checkFence = ({ token, follows }: Change): string =>
  `SELECT lockstep.check_fence(${follows ? `CASE WHEN ${isRecorded(follows)} THEN ${token} ELSE ${NOBODYS} END` : token})`;

/** Tokens are positive. */
const NOBODYS = -1;

const isRecorded = ({ revision, ordinal }: EntryKey): string =>
  `EXISTS (SELECT FROM lockstep.entry e WHERE e.revision = ${revision} AND e.ordinal = ${ordinal})`;

export function insertEntry(change: Change): string {
  if (change.kind === 'repeatable') return insertRepeatable(change);
  const { revision, ordinal, kind, slug, phase, runId, token } = change;
  const { lockTimeoutMs, statementTimeoutMs, lockWaitMs } = change;
  const sums = [change.sha256, change.normalizedSha256];
  const down =
    change.down && JSON.stringify({ ...change.down, lockTimeoutMs, statementTimeoutMs, lockWaitMs });
  const values = [revision, ordinal, kind, revision, slug, phase, ...sums, runId, token, down];
  const up = kind === 'reverted' ? undefined : keptSql(change.script.sql);
  return `INSERT INTO lockstep.entry (revision, ordinal, kind, written_as, slug, phase, sha256, normalized_sha256, run_id, token, down, up)
    VALUES (${values.map(literal).join(', ')}, ${up === undefined ? 'NULL' : encoded(up)})`;
}

/** PostgreSQL tells the place of an error in a function's body only if that text is in the message once. */
const encoded = (text: string): string =>
  `pg_catalog.convert_from(pg_catalog.decode('${Buffer.from(text, 'utf8').toString('base64')}', 'base64'), 'UTF8')`;

export function insertJournal(change: Change, step: Step, before?: Before): string {
  const { revision, ordinal, kind, runId, token } = change;
  const postcondition = step.kind === 'alone' ? JSON.stringify(step.postcondition) : null;
  const direction = kind === 'reverted' ? 'down' : 'up';
  const values = [
    revision,
    ordinal,
    step.index,
    direction,
    'started',
    stepSha256(change, step),
    postcondition,
    before && JSON.stringify(before),
    migrationName(change),
    runId,
    token,
  ];
  return `INSERT INTO lockstep.journal (revision, ordinal, step, direction, state, sha256, postcondition, before, migration, run_id, token)
    VALUES (${values.map(literal).join(', ')})`;
}

/** A step of its own begins. */
export const beginMessage = (change: Change, step: Step, before?: Before): string =>
  `${checkFence(change)}; ${insertJournal(change, step, before)}`;

/** Makes the row one of the transaction that records its end. */
export const adoptJournal = (change: Change, step: Step): string =>
  `UPDATE lockstep.journal SET xid = pg_catalog.pg_current_xact_id() WHERE ${journalRow(change, step.index)}`;

export const deleteJournal = (change: Change, step: number): string =>
  `DELETE FROM lockstep.journal WHERE ${journalRow(change, step)}`;

/** What was begun under the ordinal that the change takes gets the next one. */
export const moveJournal = ({ revision, ordinal }: Change): string =>
  `UPDATE lockstep.journal SET ordinal = ordinal + 1 WHERE revision = ${literal(revision)} AND ordinal = ${ordinal}`;

export const journalRow = ({ revision, ordinal }: Change, step: number): string =>
  `revision = ${literal(revision)} AND ordinal = ${ordinal} AND step = ${step}`;

/** Of the step that ends a migration (null) its ledger row is checked and completed; of any other one its journal row. */
export function leaveStep(change: Change, step: number | null, login: SessionFacts): string {
  if (change.kind === 'repeatable') return leaveRepeatable(change, login);
  const { revision, ordinal } = change;
  const values = [literal(revision), ordinal, step ?? 'NULL', literal(login.user), literal(login.actingAs)];
  return `SELECT lockstep.leave_step(${values.join(', ')})`;
}
