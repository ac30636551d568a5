/**
 * Lockstep as its package has it. It is built from a copy of the sources, so that the bench neither needs nor disturbs
 * the checkout's own dist/.
 */
import { cpSync, mkdirSync, symlinkSync, unlinkSync } from 'node:fs';
import { join } from 'node:path';
import { buildPackage } from '../../../lib/build/package.ts';
import { type Contender, node, oneFileEach, plainName } from './contender.ts';

const ROOT = join(import.meta.dirname, '../../..');
const SOURCES = ['bin', 'functions', 'lib', 'package.json', 'package-lock.json', 'tsconfig.json'];

/** Gives the folder dist/ below `scratch`. */
export function buildLockstep(scratch: string): string {
  const copy = join(scratch, 'lockstep');
  mkdirSync(copy);
  for (const name of SOURCES) cpSync(join(ROOT, name), join(copy, name), { recursive: true });
  const link = join(copy, 'node_modules');
  symlinkSync(join(ROOT, 'node_modules'), link);
  try {
    buildPackage(copy);
  } finally {
    unlinkSync(link);
  }
  return join(copy, 'dist');
}

export const lockstep = (dist: string, ...options: string[]): Contender => ({
  name: 'lockstep',
  kind: 'lockstep',
  files: oneFileEach(plainName),
  module: join(import.meta.dirname, '../lockstep.mjs'),
  up: (folder, url) =>
    node(join(dist, 'lockstep.cjs'), 'up', '--migrations', folder, '--database-url', url, ...options),
});

/** As at its first start in a place, or always in one that it cannot write to: nothing is kept of what it compiles. */
export const WITHOUT_CODE_CACHE = { NODE_DISABLE_COMPILE_CACHE: '1' };

export const withoutCodeCache = (contender: Contender): Contender => ({
  ...contender,
  name: `${contender.name}, first start in a place`,
  up: (folder, url) => ({ ...contender.up(folder, url), env: WITHOUT_CODE_CACHE }),
});
