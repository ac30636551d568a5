/** The start of `lockstep up` is part of every deployment, and nearly every one finds nothing to do. */
import { buildSync } from 'esbuild';
import { expect, it } from 'vitest';
import { packageBuild } from '../../lib/build/esbuild-options.ts';

const ROOT = new URL('../..', import.meta.url).pathname;
/** What `lockstep up` loads before it knows whether something is to be done. */
const CONNECTING = { cli: 'lib/cli/index.ts', up: 'lib/cli/up.ts' };
const LOADED = { ...CONNECTING, result: 'lib/cli/up-result.ts' };

function loadedFiles(entries: Readonly<Record<string, string>>): string[] {
  const options = packageBuild({ entries, outdir: 'unwritten', version: '0' });
  const { inputs } = buildSync({ ...options, absWorkingDir: ROOT, write: false }).metafile;
  const found = new Set<string>();
  const visit = (file: string): void => {
    if (found.has(file)) return;
    found.add(file);
    for (const { path, kind, external } of inputs[file]?.imports ?? []) {
      if (kind !== 'dynamic-import' && !external) visit(path);
    }
  };
  for (const file of Object.values(entries)) visit(file);
  return [...found];
}

it('begins to connect before it loads the engine', () => {
  const files = loadedFiles(CONNECTING);
  expect(files).toContain('lib/adapters/postgres/connect.ts');
  const later = /^lib\/engine\/(index|migrate|attempt)\.ts|^lib\/core\/plan\/plan\.ts|postgres\/ledger\.ts/;
  expect(files.filter((file) => later.test(file))).toEqual([]);
});

it('loads neither what applies, nor the parser and the compiler, nor the shapes of bundles, nor AWS', () => {
  const files = loadedFiles(LOADED);
  expect(files).toContain('lib/engine/migrate.ts');
  const heavy =
    /node_modules\/(zod|libpg-query|@aws-sdk|@smithy)\/|plan\/bundle\.ts|compile\/(script|migration)\.ts|(engine|postgres|plan)\/index\.ts|engine\/(turn|apply|attempt)\.ts|postgres\/(ledger-schema|fence)\.ts/;
  expect(files.filter((file) => heavy.test(file))).toEqual([]);
});

it('compiles without the shapes of bundles', () => {
  const files = loadedFiles({ compile: 'lib/core/plan/compile/migration.ts' });
  expect(files).toContain('lib/core/plan/compile/script.ts');
  expect(files.filter((file) => /node_modules\/zod\//.test(file))).toEqual([]);
});
