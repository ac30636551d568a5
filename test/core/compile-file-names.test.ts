import { describe, expect, test } from 'vitest';
import { arrangeFiles, isMigrationFile } from '../../lib/core/plan/compile/index.ts';
import { errorOf } from '../support/compile.ts';

describe('file names', () => {
  test('give revision, slug and phase, and find the down file', () => {
    const files = [
      '0002_fill.backfill.sql',
      '0001_init.sql',
      '0001_init.down.sql',
      '0003_drop-old.contract.sql',
    ];
    expect(arrangeFiles([...files, '0003_drop-old.contract.down.sql'])).toEqual([
      { revision: '0001', slug: 'init', phase: 'expand', up: '0001_init.sql', down: '0001_init.down.sql' },
      { revision: '0002', slug: 'fill', phase: 'backfill', up: '0002_fill.backfill.sql', down: undefined },
      {
        revision: '0003',
        slug: 'drop-old',
        phase: 'contract',
        up: '0003_drop-old.contract.sql',
        down: '0003_drop-old.contract.down.sql',
      },
    ]);
  });

  test('are put in the order of the numbers, not of the text', () => {
    const files = ['10_c.sql', '9_b.sql', '0001_a.expand.sql', '999999999999999999_d.sql'];
    expect(arrangeFiles(files).map((m) => m.revision)).toEqual(['0001', '9', '10', '999999999999999999']);
  });

  test('of a down file may leave out the phase and write the revision with other zeros', () => {
    const [migration] = arrangeFiles(['007_a.contract.sql', '7_a.down.sql']);
    expect(migration).toMatchObject({ revision: '007', phase: 'contract', down: '7_a.down.sql' });
  });

  test.each([
    'add_email.sql',
    '0001.sql',
    '0001_.sql',
    '0001-a.sql',
    '0001_a.up.sql',
    '0001_a.Contract.sql',
    '0001_a.down.contract.sql',
    '0001_a.contract.expand.sql',
    '0001_add email.sql',
    '0001_añadir.sql',
    '0001_a.SQL',
    '1234567890123456789_a.sql',
    '0000_a.sql',
    'V1__a.sql',
  ])('%s is refused with the form expected', (file) => {
    const error = errorOf(() => arrangeFiles(['0042_good.sql', file]));
    expect(error.code).toBe('LS201');
    expect(error.what).toContain(file);
  });

  test('the error for a name says what a name looks like', () => {
    expect(errorOf(() => arrangeFiles(['x.sql'])).what).toContain('<revision>_<slug>');
  });

  test.each([
    ['1_a.sql', '001_b.sql'],
    ['1_a.sql', '1_a.contract.sql'],
    ['1_a.down.sql', '01_a.down.sql'],
  ])('%s and %s have one revision: refused, naming both', (first, second) => {
    const error = errorOf(() =>
      arrangeFiles(['1_a.expand.sql', first, second].slice(first.includes('down') ? 0 : 1)),
    );
    expect(error.code).toBe('LS202');
    expect(error.what).toContain(first);
    expect(error.what).toContain(second);
  });

  test('a down file whose migration is not there is refused', () => {
    expect(errorOf(() => arrangeFiles(['1_a.sql', '2_b.down.sql']))).toMatchObject({
      code: 'LS210',
      what: expect.stringContaining('2_b.down.sql'),
      remedy: expect.stringContaining('2_b.sql'),
    });
  });

  test('a down file of the same revision and another slug is refused, naming the migration there is', () => {
    expect(errorOf(() => arrangeFiles(['1_a.sql', '1_b.down.sql']))).toMatchObject({
      code: 'LS210',
      what: expect.stringContaining('1_a.sql'),
    });
  });

  test.each([
    ['1_a.contract.sql', '1_a.expand.down.sql'],
    ['1_a.sql', '1_a.contract.down.sql'],
  ])('%s and %s contradict each other about the phase', (up, down) => {
    const error = errorOf(() => arrangeFiles([up, down]));
    expect(error.code).toBe('LS201');
    expect(error.what).toContain(down);
  });

  test('only visible .sql files claim to be migrations', () => {
    const entries = ['1_a.sql', 'README.md', '.1_a.sql', '1_a.sql~', '1_a.sql.orig', 'b.SQL'];
    expect(entries.filter(isMigrationFile)).toEqual(['1_a.sql', 'b.SQL']);
  });
});
