import { expect, it } from 'vitest';
import { sharedFailure } from '../../lib/core/plan/index.ts';

const failed = (error: string | null, failedMigration: string | null = '0002_mail') => ({
  runId: 'run-1',
  error,
  failedMigration,
});

it('what the migrations themselves make fail fails for all, and says which run tried', () => {
  const error = sharedFailure(failed('LS601: 0002_mail.sql, line 3: no such table.'), [
    '0002_mail',
    '0003_x',
  ]);
  expect(error).toMatchObject({
    code: 'LS617',
    context: { run: 'run-1', migration: '0002_mail', failedWith: 'LS601' },
  });
  expect(error?.what).toContain('LS601: 0002_mail.sql, line 3: no such table.');
});

it.each([
  ['an interrupted run', failed('LS605: Interrupted.'), ['0002_mail']],
  ['one that had too little time', failed('LS604: It does not fit.'), ['0002_mail']],
  ['one that ended without a word', failed('it ended without a word'), ['0002_mail']],
  ['one that failed before its first migration', failed('LS601: x', null), ['0002_mail']],
  ['one that failed with what is not asked for here', failed('LS601: x'), ['0001_first']],
  ['one that did not fail', failed(null), ['0002_mail']],
])('%s says nothing about who comes next', (_, run, pending) => {
  expect(sharedFailure(run, pending)).toBeUndefined();
});
