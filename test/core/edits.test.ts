import { describe, expect, it } from 'vitest';
import {
  type CurrentEntry,
  catalogEntryOf,
  EMPTY_LEDGER,
  editedFiles,
  editsOf,
  mayBeRecorded,
} from '../../lib/core/plan/index.ts';
import { compile } from '../support/compile.ts';

const entryOf = (sql: string, more: Partial<CurrentEntry> = {}): CurrentEntry => {
  const { sha256, normalizedSha256 } = compile(sql).up;
  const names = { revision: '1', slug: 'first', phase: 'expand', kind: 'applied' } as const;
  return {
    ...names,
    ordinal: 1,
    sha256,
    normalizedSha256,
    reversible: true,
    runId: 'r',
    entryId: '7',
    appliedEntryId: '7',
    ...more,
  };
};

/** Of a ledger with one applied migration to a file: how far its scripts differ, and whether that may be recorded. */
function judged(entry: CurrentEntry, ledgerDown: string | undefined, up: string, down?: string) {
  const migration = compile(up, down);
  const ledger = { ...EMPTY_LEDGER, current: [entry] };
  const downs = new Map(ledgerDown === undefined ? [] : [['7', compile(ledgerDown).up]]);
  const edited = editedFiles(ledger, [catalogEntryOf(migration)], downs).length > 0;
  const [edit] = edited ? editsOf(ledger, [migration], downs) : [];
  if (!edit) return 'same';
  const recorded = mayBeRecorded(edit, [])
    ? 'recorded'
    : mayBeRecorded(edit, ['0001'])
      ? 'if accepted'
      : 'never';
  return `up ${edit.up}, down ${edit.down}: ${recorded}`;
}

describe('an edited file', () => {
  it.each([
    ['nothing was edited', 'SELECT 1', 'SELECT 2', 'SELECT 1', 'SELECT 2', 'same'],
    ['layout', 'SELECT 1', undefined, 'select  1', undefined, 'up cosmetic, down none: recorded'],
    ['text', 'SELECT 1', undefined, 'SELECT 3', undefined, 'up real, down none: if accepted'],
    ['layout of down', 'SELECT 1', 'SELECT 2', 'SELECT 1', 'select 2', 'up none, down cosmetic: recorded'],
    ['layout, down', 'SELECT 1', 'SELECT 2', 'select 1', 'SELECT 3', 'up cosmetic, down real: if accepted'],
    ['a new down file', 'SELECT 1', undefined, 'SELECT 1', 'SELECT 2', 'up none, down real: if accepted'],
    ['no down file', 'SELECT 1', 'SELECT 2', 'SELECT 1', undefined, 'same'],
  ])('%s', (_, ledgerUp, ledgerDown, up, down, judgement) => {
    expect(judged(entryOf(ledgerUp), ledgerDown, up, down)).toBe(judgement);
  });

  it('is none where the migration is not applied, or was recorded without its file', () => {
    expect(judged(entryOf('SELECT 1', { kind: 'reverted' }), undefined, 'SELECT 2')).toBe('same');
    expect(judged(entryOf('SELECT 1', { sha256: '' }), undefined, 'SELECT 2', 'SELECT 3')).toBe('same');
  });
});
