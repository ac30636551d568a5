/**
 * The published package: what package.json exports, built into dist/.
 *
 *   index.js                    constructs; needs the CDK, which the user has
 *   engine.js gate.js           with chunks/; need nothing: an app's container installs no other package
 *   lockstep.cjs                the command, which needs nothing but the parser in chunks/
 *   functions/<name>/           ready to deploy, so that the user needs neither sources nor a bundler
 *   task/                       program of the container for long work; Dockerfile says what else is in its image
 *   types/                      declarations
 *   THIRD-PARTY-LICENSES.txt    of all that is bundled
 *   sbom.cdx.json               the packages that are bundled, with their hashes
 *
 * Invariants: the functions are the same code as in a checkout (bundleFunction); nothing of the local runtime and
 * its servers is in it. What can fail: sources that do not compile; then there is no dist/ to publish.
 */
import { copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { buildSync, type Metafile } from 'esbuild';
import { ALL_FUNCTION_NAMES } from '../core/workflow/state-name.ts';
import { billOfMaterials } from './bill-of-materials.ts';
import { bundleFunction, bundleTask } from './bundle-function.ts';
import { bundledPackages } from './bundled-packages.ts';
import { writeDeclarations } from './declarations.ts';
import { CHUNKS, packageBuild } from './esbuild-options.ts';
import { licencesOf } from './licences.ts';
import { commandFile } from './one-file.ts';

const PEERS = ['aws-cdk-lib', 'constructs'];

/** @param root of the checkout. Throws esbuild's BuildFailure, or what the compiler says. */
export function buildPackage(root: string): void {
  const dist = join(root, 'dist');
  rmSync(dist, { recursive: true, force: true });
  writeDeclarations(root, join(dist, 'types'));
  const bundled = [...buildEntries(root, dist), ...buildFunctions(root, dist), buildTask(root, dist)];
  copyFileSync(
    join(root, 'node_modules', 'libpg-query', 'wasm', 'libpg-query.wasm'),
    join(dist, CHUNKS, 'libpg-query.wasm'),
  );
  const files = bundled.flatMap(({ inputs }) => Object.keys(inputs));
  const packages = bundledPackages(root, files);
  writeFileSync(join(dist, 'THIRD-PARTY-LICENSES.txt'), licencesOf(root, packages));
  writeFileSync(join(dist, 'sbom.cdx.json'), `${JSON.stringify(billOfMaterials(root, packages), null, 2)}\n`);
}

function buildEntries(root: string, outdir: string): Metafile[] {
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const command = commandFile(root, 'lib/cli/index.ts', { outdir, version });
  writeFileSync(join(outdir, 'lockstep.cjs'), command.text, { mode: 0o755 });
  const constructs = { index: 'lib/index.ts' };
  const libraries = { engine: 'lib/engine/index.ts', gate: 'lib/gate.ts' };
  const imported = [
    packageBuild({ entries: constructs, outdir, version, external: PEERS }),
    packageBuild({ entries: libraries, outdir, version }),
  ].map((options) => buildSync({ ...options, absWorkingDir: root }).metafile);
  return [command.metafile, ...imported];
}

function buildFunctions(root: string, dist: string): Metafile[] {
  return ALL_FUNCTION_NAMES.map((name) => {
    const directory = join(dist, 'functions', name);
    mkdirSync(directory, { recursive: true });
    return bundleFunction(join(root, 'functions', `${name}.ts`), directory);
  });
}

function buildTask(root: string, dist: string): Metafile {
  const directory = join(dist, 'task');
  mkdirSync(directory, { recursive: true });
  return bundleTask(join(root, 'functions', 'migrate-task.ts'), directory);
}
