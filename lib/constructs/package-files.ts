/**
 * Files beside this code. In a checkout it runs from lib/constructs/ as TypeScript; in the published package
 * everything is bundled into dist/index.js, and the command and the functions lie beside that.
 */
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { AnyFunctionName } from '../core/workflow/state-name.ts';

const thisFile = fileURLToPath(import.meta.url);
const here = dirname(thisFile);
const isPackage = thisFile.endsWith('.js');
const checkout = join(here, '..', '..');

/** Where package.json and Dockerfile are, and dist/ below it: in a checkout, when it was built. */
export const packageDirectory = isPackage ? join(here, '..') : checkout;

/** What the Dockerfile copies, beside the migrations. */
export const IMAGE_FILES = ['package.json', 'dist/lockstep.cjs', 'dist/chunks/libpg-query.wasm', 'dist/task'];

/** The command line, which `node` can run. */
export const commandFile = isPackage ? join(here, 'lockstep.cjs') : join(checkout, 'bin', 'lockstep.ts');

/** Only in a checkout. */
export const bundlerFile = join(checkout, 'lib', 'build', 'bundle-function.ts');

export const functionsDirectory = isPackage ? join(here, 'functions') : join(checkout, 'functions');

/** A bundled function to deploy as it is, or a source that has to be bundled first. */
export type FunctionFile =
  | { readonly kind: 'bundled'; readonly directory: string }
  | { readonly kind: 'source'; readonly file: string };

export const functionFile = (name: AnyFunctionName): FunctionFile =>
  isPackage
    ? { kind: 'bundled', directory: join(functionsDirectory, name) }
    : { kind: 'source', file: join(functionsDirectory, `${name}.ts`) };
