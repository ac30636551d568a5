import { describe, expect, test } from 'vitest';
import { readBundle } from '../../lib/core/plan/bundle.ts';
import { arrangeFiles, arrangeRepeatables, compileRepeatable } from '../../lib/core/plan/compile/index.ts';
import {
  type CurrentRepeatable,
  digestOf,
  isStale,
  makeBundle,
  makePlan,
  type PlanRequest,
  pendingNames,
  type Repeatable,
  sourceOfBundle,
} from '../../lib/core/plan/index.ts';
import { compile, errorOf, parser } from '../support/compile.ts';
import { catalogOf, ledgerOf } from '../support/ledger.ts';

const compileObject = (sql: string, name = 'view'): Repeatable =>
  compileRepeatable({ name, file: `R_${name}.sql` }, () => Buffer.from(sql), parser);

describe('files of repeatable objects', () => {
  test('are those called R_<name>.sql, in an order that no language changes, beside the migrations', () => {
    const files = ['R_b.sql', '0001_a.sql', 'R_a-1.sql', 'R_B.sql', 'R_a_1.sql'];
    expect(arrangeRepeatables(files).map(({ name }) => name)).toEqual(['B', 'a-1', 'a_1', 'b']);
    expect(arrangeFiles(files)).toMatchObject([{ revision: '0001' }]);
  });

  test.each([
    ['R_view.down.sql', /a repeatable object has no down file/],
    ['R_.sql', /R_<name>\.sql/],
    ['R_a b.sql', /R_<name>\.sql/],
    ['r_view.sql', /R_<name>\.sql/],
    ['R_view.contract.sql', /R_<name>\.sql/],
  ])('are not called %s: LS201', (file, what) => {
    expect(errorOf(() => arrangeFiles([file]))).toMatchObject({
      code: 'LS201',
      what: expect.stringMatching(what),
    });
  });
});

describe('compiling a repeatable object', () => {
  test('reads directives and hazards, and knows an edit of layout or comments', () => {
    const object = compileObject(
      '-- lockstep: lock-timeout=2s\nDROP TABLE old;\nCREATE VIEW v AS SELECT 1 AS x;',
    );
    expect(object).toMatchObject({ settings: { lockTimeoutMs: 2_000 }, hazards: [{ line: 2 }] });
    const [plain, edited, other] = ['SELECT 1', '/* so */ select\n1;', 'SELECT 2'].map(
      (sql) => compileObject(sql).script,
    );
    expect(edited!.normalizedSha256).toBe(plain!.normalizedSha256);
    expect(edited!.sha256).not.toBe(plain!.sha256);
    expect(other!.normalizedSha256).not.toBe(plain!.normalizedSha256);
  });

  test.each(['CREATE INDEX CONCURRENTLY i ON t (x)', 'VACUUM t', 'DROP DATABASE d'])(
    'refuses %s with its place: LS211',
    (statement) => {
      const error = errorOf(() => compileObject(`SELECT 1;\n  ${statement};`));
      expect(error).toMatchObject({ code: 'LS211', position: { file: 'R_view.sql', line: 2, column: 3 } });
      expect(error.what).toMatch(/^R_view\.sql, line 2, column 3: .* transaction/);
    },
  );

  test('refuses what no file may have', () => {
    expect(errorOf(() => compileObject('COMMIT'))).toMatchObject({ code: 'LS205' });
    expect(errorOf(() => compileObject('SELEKT'))).toMatchObject({ code: 'LS204' });
    const batches = 'UPDATE t SET x = 1 WHERE lockstep.batch(id)';
    expect(errorOf(() => compileObject(batches))).toMatchObject({ code: 'LS208' });
  });
});

describe('a bundle', () => {
  const migration = compile('SELECT 1');
  const bundle = makeBundle([migration], [compileObject('SELECT 2', 'b'), compileObject('SELECT 1', 'a')]);

  test('has them in the order of their names, and its digest covers them', async () => {
    const read = readBundle(JSON.stringify(bundle));
    expect(read).toEqual(bundle);
    expect(read.repeatables.map(({ name }) => name)).toEqual(['a', 'b']);
    const without = makeBundle([migration]);
    expect(bundle.digest).not.toBe(without.digest);
    const source = sourceOfBundle(read);
    expect(source.digest).toBe(digestOf(source.catalog, source.repeatables));
    expect((await source.loadRepeatables(['b'])).map(({ name }) => name)).toEqual(['b']);
  });

  test('from before there were any is read as having none', () => {
    const { repeatables: _, ...old } = makeBundle([migration]);
    expect(readBundle(JSON.stringify(old))).toMatchObject({ repeatables: [] });
  });

  test.each([
    ['without one of them', { repeatables: bundle.repeatables.slice(1) }],
    ['without all of them', { repeatables: undefined }],
    [
      'with another text',
      { repeatables: bundle.repeatables.map((r) => ({ ...r, script: { ...r.script, sql: 'SELECT 3' } })) },
    ],
  ])('%s is damaged: LS209', (_, change) => {
    expect(errorOf(() => readBundle(JSON.stringify({ ...bundle, ...change })))).toMatchObject({
      code: 'LS209',
    });
  });
});

const applied = (name: string, more: Partial<CurrentRepeatable> = {}): CurrentRepeatable => ({
  name,
  ordinal: 1,
  sha256: `sum of ${name}`,
  normalizedSha256: `tokens of ${name}`,
  runId: 'run',
  entryId: '9',
  revertedSince: false,
  ...more,
});

describe('planning', () => {
  const files = ['a', 'b'].map((name) => ({ name, sha256: `sum of ${name}` }));
  const plan = (rows: readonly CurrentRepeatable[], more: Partial<PlanRequest> = {}) =>
    makePlan({
      ledger: { ...ledgerOf('1'), repeatables: rows },
      catalog: catalogOf('1'),
      repeatables: files,
      ...more,
    });

  test('applies what was never applied, after the revisions, and no more when all of it is', () => {
    expect(plan([applied('a'), applied('b')])).toMatchObject({ outcome: 'nothing-pending', repeatables: [] });
    const pending = plan([applied('b')], { catalog: catalogOf('1', '2') });
    expect(pending).toMatchObject({ outcome: 'pending', repeatables: [{ name: 'a', ordinal: 1 }] });
    expect(pendingNames(pending)).toEqual(['2_x', 'R_a']);
    expect(plan([applied('b')])).toMatchObject({ outcome: 'pending', pending: [] });
  });

  test('applies what has another text again, and not what was edited in layout only', () => {
    const rows = [applied('a', { sha256: 'other', ordinal: 3 }), applied('b', { sha256: 'other' })];
    const normalized = new Map([
      ['R_a', 'other tokens'],
      ['R_b', 'tokens of b'],
    ]);
    expect(plan(rows, { normalized }).repeatables).toEqual([{ name: 'a', ordinal: 4 }]);
  });

  test('applies all of them again after a revert', () => {
    const rows = [applied('a', { revertedSince: true }), applied('b')];
    expect(plan(rows).repeatables).toEqual([{ name: 'a', ordinal: 2 }]);
  });

  test('leaves a database alone that is ahead, and objects that are in no file', () => {
    expect(plan([], { ledger: ledgerOf('1', '2') })).toMatchObject({ outcome: 'ahead', repeatables: [] });
    expect(plan([applied('a'), applied('b'), applied('gone')])).toMatchObject({ outcome: 'nothing-pending' });
  });

  test('up to a revision waits with them until nothing above it is pending', () => {
    const catalog = catalogOf('1', '2', '3');
    expect(plan([], { catalog, toRevision: '2' })).toMatchObject({
      pending: [{ revision: '2' }],
      repeatables: [],
    });
    expect(plan([], { catalog, toRevision: '3' }).repeatables).toHaveLength(2);
    expect(
      plan([], { catalog: catalogOf('0', '1'), toRevision: '0', ledger: ledgerOf('0', '1') }).repeatables,
    ).toHaveLength(2);
  });

  test('is out of date when another run applied one since', () => {
    const ledger = { ...ledgerOf('1'), repeatables: [applied('a')], lastEntryId: '9' };
    expect([isStale('1', 'mine', ledger), isStale('1', 'run', ledger), isStale('9', 'mine', ledger)]).toEqual(
      [true, false, false],
    );
  });
});
