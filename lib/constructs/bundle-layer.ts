/**
 * The layer with the compiled migrations, beside the functions' code: a new migration replaces this layer and
 * nothing else, and the functions carry no parser.
 */
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { Architecture, LayerVersion, Runtime } from 'aws-cdk-lib/aws-lambda';
import type { Construct } from 'constructs';
import { makeBundle } from '../core/plan/catalog.ts';
import { codeWrittenBy } from './function-code.ts';
import { commandFile, packageDirectory } from './package-files.ts';
import { refuse } from './refuse.ts';

const FILE_IN_LAYER = 'lockstep/bundle.json';
/** Where the functions find it: Lambda unpacks layers under /opt. */
export const BUNDLE_PATH = `/opt/${FILE_IN_LAYER}`;

/** @param migrations a directory of .sql files, or a bundle file that `lockstep bundle` wrote; undefined: there are none. */
export function bundleLayer(scope: Construct, id: string, migrations: string | undefined): LayerVersion {
  if (migrations === undefined) return layerOf(scope, id, packageDirectory, 'no migrations', writeEmpty);
  const path = resolve(migrations);
  if (!existsSync(path)) {
    refuse(scope, `There are no migrations at ${path}: give a directory of .sql files or a bundle file.`);
  }
  const source = statSync(path).isDirectory() ? path : dirname(path);
  return layerOf(scope, id, source, path, (file) => writeBundle(scope, path, file));
}

function layerOf(
  scope: Construct,
  id: string,
  source: string,
  what: string,
  write: (file: string) => void,
): LayerVersion {
  return new LayerVersion(scope, id, {
    description: 'Lockstep: the compiled migrations',
    compatibleRuntimes: [Runtime.NODEJS_24_X],
    compatibleArchitectures: [Architecture.ARM_64],
    code: codeWrittenBy(source, what, (layer) => {
      const file = join(layer, FILE_IN_LAYER);
      mkdirSync(dirname(file), { recursive: true });
      write(file);
    }),
  });
}

const writeEmpty = (file: string): void => writeFileSync(file, JSON.stringify(makeBundle([], [])));

/** Compiles the directory, or copies the bundle file, into `file`. */
export function writeBundle(scope: Construct, migrations: string, file: string): void {
  const path = resolve(migrations);
  if (statSync(path).isDirectory()) compile(scope, path, file);
  else cpSync(path, file);
}

/** In a process of its own: the parser is asynchronous, a construct tree is not. */
function compile(scope: Construct, migrations: string, file: string): void {
  const run = spawnSync(
    process.execPath,
    [commandFile, 'bundle', '--migrations', migrations, '--out', file],
    {
      encoding: 'utf8',
    },
  );
  if (run.status === 0 && existsSync(file)) return;
  const said = [run.error?.message, run.stderr, run.stdout].filter(Boolean).join('\n').trim();
  refuse(scope, `The migrations in ${migrations} cannot be compiled.\n${said}`);
}
