/**
 * Type declarations of what the package exports. The check behind them allows no more of JavaScript than Node 20
 * has (tsconfig.json beside this file).
 */
import { execFileSync } from 'node:child_process';
import { cpSync, globSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';

const CONFIG = join(import.meta.dirname, 'tsconfig.json');
/** Zod is bundled, not installed, so its declarations come along: some exported types are inferred from schemas. */
const ZOD_DECLARATIONS = ['index.d.ts', 'v4/core', 'v4/classic', 'v4/locales'];

/** Writes them below `directory`, in the tree of the sources. Throws with what the compiler says. */
export function writeDeclarations(root: string, directory: string): void {
  const tsc = join(root, 'node_modules', 'typescript', 'lib', 'tsc.js');
  try {
    execFileSync(process.execPath, [tsc, '-p', CONFIG, '--outDir', directory], { encoding: 'utf8' });
  } catch (cause) {
    throw new Error(`The declarations cannot be written.\n${(cause as { stdout?: string }).stdout}`, {
      cause,
    });
  }
  for (const path of ZOD_DECLARATIONS) {
    cpSync(join(root, 'node_modules', 'zod', path), join(directory, 'zod', path), {
      recursive: true,
      filter: (source) => !/\.[cm]?js$|\.d\.cts$/.test(source),
    });
  }
  const zod = join(directory, 'zod', 'index.js');
  for (const file of globSync('lib/**/*.d.ts', { cwd: directory })) pointToCopy(join(directory, file), zod);
}

function pointToCopy(file: string, zod: string): void {
  const text = readFileSync(file, 'utf8');
  if (text.includes("from 'zod'"))
    writeFileSync(file, text.replaceAll("from 'zod'", `from '${relative(dirname(file), zod)}'`));
}
