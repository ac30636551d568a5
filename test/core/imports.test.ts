/** Who may import whom. The layers are folders; a rule says what the files of one may import from outside it. */
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { importsOf, namesOf } from '../support/imports.ts';

interface Rule {
  /** Files or folders of this repository, beside its own. */
  readonly mayImport: readonly string[];
  /** Packages; absent: any but the CDK. */
  readonly packages?: readonly (string | RegExp)[];
}

const NODE = /^node:/;
const CDK = [/^aws-cdk-lib(\/|$)/, 'constructs'];
const USE_CASES = ['lib/core/', 'lib/adapters/', 'lib/engine/'];

/** The first that fits applies. */
const RULES: Readonly<Record<string, Rule>> = {
  'lib/core/': { mayImport: [], packages: ['zod', 'node:crypto', 'node:buffer'] },
  'lib/adapters/*/': { mayImport: ['lib/core/'] },
  'lib/engine/': { mayImport: ['lib/core/', 'lib/adapters/postgres/'], packages: [NODE] },
  'lib/settings/': { mayImport: USE_CASES },
  'lib/gate.ts': { mayImport: [...USE_CASES, 'lib/settings/'] },
  // `lockstep dev` shows the local runtime; nothing else of the command may need it.
  'lib/cli/dev.ts': {
    mayImport: [...USE_CASES, 'lib/settings/', 'lib/cli/', 'lib/local/demo/index.ts', 'lib/local/scenarios/'],
  },
  // A copy is made on a server that is started for it.
  'lib/cli/rehearse.ts': {
    mayImport: [...USE_CASES, 'lib/settings/', 'lib/cli/', 'lib/local/base-backup-copy.ts'],
  },
  // Names, for the command's help.
  'lib/cli/frame/scenario-argument.ts': { mayImport: ['lib/local/scenarios/catalogue.ts'] },
  'lib/local/scenarios/catalogue.ts': { mayImport: [], packages: [] },
  'lib/cli/': { mayImport: [...USE_CASES, 'lib/settings/'] },
  'functions/': { mayImport: [...USE_CASES, 'lib/settings/'] },
  'lib/local/': { mayImport: [...USE_CASES, 'lib/settings/', 'lib/constructs/'], packages: [/^/] },
  'lib/cost/synthesize.ts': {
    mayImport: ['lib/cost/', 'lib/core/', 'lib/constructs/', 'lib/coordinator-stack.ts', 'lib/local/'],
    packages: [...CDK, NODE],
  },
  'lib/cost/': { mayImport: ['lib/core/'], packages: [] },
  'lib/build/': { mayImport: ['lib/core/', 'lib/adapters/rds/authorities.ts'] },
  // The type of the bundler, which is loaded by its path.
  'lib/constructs/function-code.ts': {
    mayImport: ['lib/constructs/', 'lib/core/', 'lib/build/bundle-function.ts'],
    packages: [...CDK, NODE],
  },
  'lib/constructs/': { mayImport: ['lib/core/'], packages: [...CDK, NODE] },
  'lib/index.ts': { mayImport: ['lib/core/', 'lib/constructs/'], packages: [] },
  'lib/coordinator-stack.ts': { mayImport: ['lib/constructs/'], packages: CDK },
  'bin/app.ts': { mayImport: ['lib/coordinator-stack.ts'], packages: [...CDK, 'cdk-nag', NODE] },
  'bin/build.ts': { mayImport: ['lib/build/'], packages: [NODE] },
  'bin/cost.ts': { mayImport: ['lib/cost/'], packages: [NODE] },
  'bin/lockstep.ts': { mayImport: ['lib/cli/index.ts'], packages: [NODE] },
  'examples/': { mayImport: ['lib/index.ts'], packages: [...CDK, NODE] },
};

/** The part of the file's path that is its layer: `lib/adapters/postgres/`; undefined if no rule is for it. */
function layerOf(file: string): { readonly layer: string; readonly rule: Rule } | undefined {
  for (const [pattern, rule] of Object.entries(RULES)) {
    const [layer] = new RegExp(`^${pattern.replaceAll('.', '\\.').replace('*', '[^/]+')}`).exec(file) ?? [];
    if (layer !== undefined) return { layer, rule };
  }
  return undefined;
}

/** Imports that the file's rule does not allow. */
function offences(file: string, text: string): string[] {
  const found = layerOf(file);
  if (!found) return [`${file} belongs to no layer`];
  const { layer, rule } = found;
  return importsOf(file, text)
    .filter((imported) =>
      /^(bin|lib|functions|examples|test)\//.test(imported)
        ? ![layer, ...rule.mayImport].some((allowed) => imported.startsWith(allowed))
        : !mayUsePackage(rule, imported),
    )
    .map((imported) => `${file} imports ${imported}`);
}

const fits = (patterns: readonly (string | RegExp)[], name: string) =>
  patterns.some((pattern) => (typeof pattern === 'string' ? pattern === name : pattern.test(name)));
const mayUsePackage = ({ packages }: Rule, name: string) =>
  packages ? fits(packages, name) : !fits(CDK, name);

const ROOT = join(import.meta.dirname, '..', '..');
const read = (file: string) => readFileSync(join(ROOT, file), 'utf8');
const SOURCES = globSync('{bin,lib,functions,examples}/**/*.ts', { cwd: ROOT });

describe('layers', () => {
  test('import only what they may', () => {
    expect(SOURCES.length).toBeGreaterThan(100);
    expect(SOURCES.flatMap((file) => offences(file, read(file)))).toEqual([]);
  });

  test.each([
    ['lib/core/lease/x.ts', "import { readFile } from 'node:fs/promises';"],
    ['lib/core/lease/x.ts', "import type { Client } from 'pg';"],
    ['lib/core/lease/x.ts', "export { DynamoLeaseRegister } from '../../adapters/dynamodb/index.ts';"],
    ['lib/adapters/dynamodb/x.ts', "import { connect } from '../postgres/connect.ts';"],
    ['lib/adapters/rds/x.ts', "import type { EngineContext } from '../../engine/types.ts';"],
    ['lib/adapters/rds/x.ts', "import { Stack } from 'aws-cdk-lib';"],
    ['lib/engine/x.ts', "import { dynamoLeaseStore } from '../adapters/dynamodb/index.ts';"],
    ['lib/engine/x.ts', "import pg from 'pg';"],
    ['lib/settings/x.ts', "import { runCli } from '../cli/index.ts';"],
    ['lib/gate.ts', "import { runCli } from './cli/index.ts';"],
    ['lib/cli/up.ts', "const { runDemo } = await import('../local/demo/index.ts');"],
    ['lib/cli/dev.ts', "import { startLocalRuntime } from '../local/runtime.ts';"],
    ['lib/cli/up.ts', "import { handler } from '../../functions/migrate.ts';"],
    ['functions/x.ts', "type Names = typeof import('../lib/constructs/index.ts');"],
    ['functions/_runtime/x.ts', "import { Duration } from 'aws-cdk-lib/core';"],
    ['lib/local/x.ts', "import { handler } from '../../functions/plan.ts';"],
    ['lib/cost/x.ts', "import { readWorkflow } from '../local/workflow.ts';"],
    ['lib/cost/x.ts', "import { readFileSync } from 'node:fs';"],
    ['lib/build/x.ts', "import { MigrationCoordinator } from '../constructs/index.ts';"],
    ['lib/constructs/x.ts', "import { apply } from '../engine/index.ts';"],
    ['lib/constructs/x.ts', "import { build } from 'esbuild';"],
    ['lib/constructs/x.ts', "import { bundleFunction } from '../build/bundle-function.ts';"],
    ['lib/constructs/function-code.ts', "import { functionBuild } from '../build/esbuild-options.ts';"],
    ['lib/index.ts', "export * from './gate.ts';"],
    ['lib/coordinator-stack.ts', "import { EventType } from './core/rollout/signal.ts';"],
    ['bin/app.ts', "import { MigrationCoordinator } from '../lib/index.ts';"],
    ['bin/build.ts', "import { runCli } from '../lib/cli/index.ts';"],
    ['bin/lockstep.ts', "import { up } from '../lib/cli/up.ts';"],
    ['examples/x/app.ts', "import { MigrationCoordinator } from '../../lib/constructs/index.ts';"],
    ['lib/new-layer/x.ts', "import { join } from 'node:path';"],
  ])('%s may not: %s', (file, text) => {
    expect(offences(file, text)).toHaveLength(1);
  });

  test.each(Object.keys(RULES))('%s has files', (pattern) => {
    expect(SOURCES.some((file) => layerOf(file)?.rule === RULES[pattern])).toBe(true);
  });
});

describe('lib/core', () => {
  /** Time, chance and the process come in as arguments. */
  const IMPURE =
    /^(Date|process|performance|console|fetch|setTimeout|setInterval|setImmediate|Math\.random)$/;
  const impure = (text: string) => [...namesOf(text)].filter((name) => IMPURE.test(name));

  test('takes nothing from the process that it runs in', () => {
    const core = SOURCES.filter((file) => file.startsWith('lib/core/'));
    expect(core.flatMap((file) => impure(read(file)).map((name) => `${file} uses ${name}`))).toEqual([]);
  });

  test.each([
    'const at = Date.now();',
    'const at = new Date();',
    'const pick = Math.random();',
    'const { DATABASE_URL } = process.env;',
    'setTimeout(() => undefined, 1);',
  ])('may not: %s', (text) => {
    expect(impure(text)).not.toEqual([]);
  });
});
