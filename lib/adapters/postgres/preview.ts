/**
 * What would be sent for a step: the messages themselves, made by what sends them. Only what nobody can know before it
 * is sent has a name in its place, with a colon.
 */
import { FIRST_BATCH_SIZE } from '../../core/backfill/index.ts';
import { wantedBy } from '../../core/locks/index.ts';
import type { Step } from '../../core/plan/index.ts';
import { beginMessage, type Change, stepTexts } from './change.ts';
import { doneMessage, loneSettings } from './run-alone.ts';
import { batchMessage } from './run-batches.ts';
import { type TransactionalStep, transactionMessage } from './run-step.ts';
import type { Session } from './session.ts';
import { restoreSession } from './session-settings.ts';
import { attemptName } from './sessions.ts';

/** Stand in the messages for the attempt's own until they are replaced; no migration has such numbers. */
export const PLACEHOLDERS = { token: 8_777_666_555_444_333, runId: 'the-run-that-is-to-come' } as const;
const KEYS = 8_777_666_555_444_222;
const NAMES: readonly (readonly [string, string])[] = [
  [String(PLACEHOLDERS.token), ':token'],
  [PLACEHOLDERS.runId, ':run'],
  [`'[]', ${KEYS}, ${KEYS}`, ':locks'],
  [String(KEYS), ':keys'],
];

export interface ShownMessage {
  /** For people, when a step has several. */
  readonly purpose: string;
  readonly sql: string;
}

/** Of a change that has the placeholders as its token and run. The first batch stands for all. */
export function messagesOf({ facts }: Session, change: Change, step: Step): ShownMessage[] {
  const sender = { facts, applicationName: attemptName(PLACEHOLDERS.token, PLACEHOLDERS.runId) };
  const shown = (purpose: string, text: string) => ({ purpose, sql: named(text) });
  const unlimitedMs = Number.POSITIVE_INFINITY;
  switch (step.kind) {
    case 'transaction':
      return [
        shown(
          'a transaction',
          transactionMessage(sender, change, step, { timeLeftMs: unlimitedMs, locks: locksOf(change, step) })
            .text,
        ),
      ];
    case 'alone':
      return [
        shown('its start is recorded', beginMessage(change, step, { held: false, leftovers: [] })),
        shown('what it runs under', loneSettings(sender, change, unlimitedMs)),
        shown('the statement', stepTexts(change, step).join('')),
        shown('the session as it was', restoreSession(sender)),
        shown('its end is recorded, when the catalogs show its effect', doneMessage(sender, change, step)),
      ];
    case 'batches': {
      const upTo = step.batch.key.map((column) => `:last_${column}`);
      const range = { after: null, upTo, keys: KEYS, size: FIRST_BATCH_SIZE };
      return [
        shown('its start is recorded', beginMessage(change, step)),
        shown(
          'the first batch; the others begin behind the one before',
          batchMessage(sender, change, step, range, unlimitedMs).text,
        ),
        shown('its end is recorded', doneMessage(sender, change, step)),
      ];
    }
    default:
      return step satisfies never;
  }
}

/** Which of them are there to be locked shows only when the step's turn has come; of repeatable objects none is kept. */
function locksOf({ kind }: Change, { statements }: TransactionalStep): typeof LOCKS_TO_COME | undefined {
  const locks = wantedBy(statements);
  return locks.length > 0 && kind !== 'repeatable' ? LOCKS_TO_COME : undefined;
}

const LOCKS_TO_COME = { relations: [], waitedMs: KEYS, tries: KEYS };

const named = (text: string): string =>
  NAMES.reduce((sql, [placeholder, name]) => sql.replaceAll(placeholder, name), text);
