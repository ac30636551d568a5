import { describe, expect, test } from 'vitest';
import { LockstepError } from '../../lib/core/errors/index.ts';
import {
  type CommandRun,
  commandFailed,
  commandFailure,
  commandStopped,
  commandVerdict,
  HISTORY_TABLES,
  historyChanges,
  historyInWords,
  knownTables,
} from '../../lib/core/foreign/index.ts';

const table = (name: string, ...columns: string[]) => ({ schema: 'app', name, columns });
const toolsOf = (...found: ReturnType<typeof table>[]) => knownTables(found).map(({ tool }) => tool);

describe('whose history a table is', () => {
  test('schema_migrations has four owners, told apart by its columns and by what is beside it', () => {
    expect(toolsOf(table('schema_migrations', 'version', 'dirty'))).toEqual(['golang-migrate']);
    expect(toolsOf(table('schema_migrations', 'version', 'inserted_at'))).toEqual(['Ecto']);
    expect(toolsOf(table('schema_migrations', 'version'), table('ar_internal_metadata', 'key'))).toEqual([
      'Rails',
    ]);
    expect(toolsOf(table('schema_migrations', 'version'))).toEqual(['dbmate']);
  });

  test('what is beside it counts in its own schema only', () => {
    const elsewhere = { ...table('ar_internal_metadata', 'key'), schema: 'other' };
    expect(toolsOf(table('schema_migrations', 'version'), elsewhere)).toEqual(['dbmate']);
  });

  test('a table of the same name with other columns is nobody’s', () => {
    expect(toolsOf(table('alembic_version', 'id'), table('databasechangelog', 'id'))).toEqual([]);
  });

  test('every name is looked for once', () => {
    expect(HISTORY_TABLES).toContain('ar_internal_metadata');
    expect(new Set(HISTORY_TABLES).size).toBe(HISTORY_TABLES.length);
  });
});

describe('what changed', () => {
  const history = (...ids: string[]) => ({ tool: 'Alembic' as const, table: 'public.alembic_version', ids });

  test('a head that was replaced is one added and one removed', () => {
    const changes = historyChanges([history('0001')], [history('0002')]);
    expect(changes).toEqual([
      { tool: 'Alembic', table: 'public.alembic_version', added: ['0002'], removed: ['0001'] },
    ]);
    expect(historyInWords(changes)).toBe('public.alembic_version: added 0002, removed 0001');
  });

  test('a table that was not there before, or is not there any more, counts whole', () => {
    expect(historyChanges([], [history('1', '2')])[0]?.added).toEqual(['1', '2']);
    expect(historyChanges([history('1', '2')], [])[0]?.removed).toEqual(['1', '2']);
  });

  test('a table in which nothing changed is left out, and one id more than once counts as often', () => {
    expect(historyChanges([history('1', '2')], [history('2', '1')])).toEqual([]);
    expect(historyChanges([history('R__views')], [history('R__views', 'R__views')])[0]?.added).toEqual([
      'R__views',
    ]);
  });

  test('numbers are in their order, and many of them are cut in words', () => {
    const [change] = historyChanges([], [history('10', '9', '8', '7', '6', '5')]);
    expect(change?.added).toEqual(['5', '6', '7', '8', '9', '10']);
    expect(historyInWords([change!])).toBe('public.alembic_version: added 5 6 7 8 9 and 1 more');
  });
});

describe('errors', () => {
  test('the exit code of a command is passed on; without it the catalogue’s counts', () => {
    expect(commandFailed('alembic', { exitCode: 7, signal: null }, [])).toMatchObject({
      code: 'LS801',
      exitCode: 7,
    });
    expect(new LockstepError('LS801', { what: '', state: '', remedy: '' }).exitCode).toBe(1);
  });

  test('say what the command’s history says, also that it could not be read', () => {
    const changes = [
      { tool: 'Alembic' as const, table: 'public.alembic_version', added: ['2'], removed: [] },
    ];
    const state = (known: typeof changes | undefined) =>
      commandStopped('alembic', { kind: 'out-of-time', limitMs: 5_000 }, known).state;
    expect(state(changes)).toContain('public.alembic_version: added 2');
    expect(state([])).toContain('No history table');
    expect(state(undefined)).toContain('could not be read');
  });

  test('an interruption is one, with the exit code of one', () => {
    expect(commandStopped('alembic', { kind: 'interrupted' }, [])).toMatchObject({
      code: 'LS605',
      exitCode: 130,
    });
  });
});

describe('what became of a command in a task', () => {
  const CHANGES = [
    { tool: 'Alembic' as const, table: 'public.alembic_version', added: ['0002'], removed: [] },
  ];
  const recorded = (verdict: CommandRun['verdict'], error: string | null = null): CommandRun => ({
    verdict,
    error,
    histories: CHANGES,
  });
  const failureOf = (record: CommandRun | null, why?: string) => commandFailure('alembic', record, why);

  test('what it recorded counts, whatever ECS says', () => {
    expect(failureOf(recorded('applied'), 'exit code 137')).toBeUndefined();
    expect(failureOf(recorded('failed', 'LS801: alembic ended with exit code 3.'))).toMatchObject({
      code: 'LS801',
      what: 'alembic ended with exit code 3.',
      state: expect.stringContaining('added 0002'),
    });
  });

  test('nothing of it makes the workflow plan or try again, since the command may have begun', () => {
    for (const code of ['LS301', 'LS402', 'LS403', 'LS404', 'LS505', 'LS999'])
      expect(failureOf(recorded('failed', `${code}: gone`))?.code).toBe('LS805');
    expect(failureOf(recorded('running'), 'OutOfMemoryError, exit code 137')).toMatchObject({
      code: 'LS805',
      what: 'The task ended while alembic ran, and without a word: OutOfMemoryError, exit code 137.',
      retryable: false,
    });
  });

  test('one that recorded nothing had not begun the command', () => {
    expect(failureOf(null, 'CannotPullContainerError')).toMatchObject({
      code: 'LS805',
      what: 'The task ended before alembic had begun, and without a word: CannotPullContainerError.',
      state: 'Nothing was changed in the database.',
    });
  });

  test('its verdict is "nothing pending" only when its history is known to be as it was', () => {
    const facts = { run: 'r', target: 't', bundleDigest: '', restorePoint: null, durationMs: 1 };
    const verdictOf = (histories: CommandRun['histories']) =>
      commandVerdict(facts, 'alembic', { ...recorded('applied'), histories });
    expect(verdictOf(CHANGES)).toMatchObject({ outcome: 'applied', applied: ['0002'], appliedCount: 1 });
    expect(verdictOf([])).toMatchObject({ outcome: 'nothing-pending', signal: 'ROLL_OUT', applied: [] });
    expect(verdictOf(null)).toMatchObject({ outcome: 'applied', signal: 'ROLL_OUT', applied: [] });
  });
});
