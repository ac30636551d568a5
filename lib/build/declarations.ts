/**
 * Type declarations of what the package exports. The check behind them allows no more of JavaScript than Node 20
 * has (tsconfig.json beside this file).
 *
 * The package depends on no other, so declarations of what is bundled come along: all of zod's, because some
 * exported types are inferred from schemas, and of pg the two names that internal modules mention.
 */
import { execFileSync } from 'node:child_process';
import { cpSync, globSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';

const CONFIG = join(import.meta.dirname, 'tsconfig.json');
const ZOD = ['index.d.ts', 'v4/core', 'v4/classic', 'v4/locales'];
const PG = `declare namespace pg {
  type Client = unknown;
  type ClientConfig = unknown;
}
export default pg;
`;
/** Where they are, below the directory of all declarations. */
const BUNDLED = { zod: 'zod/index.js', pg: 'pg.js' };

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
  for (const path of ZOD) {
    cpSync(join(root, 'node_modules', 'zod', path), join(directory, 'zod', path), {
      recursive: true,
      filter: (source) => !/\.[cm]?js$|\.d\.cts$/.test(source),
    });
  }
  writeFileSync(join(directory, 'pg.d.ts'), PG);
  for (const file of globSync('lib/**/*.d.ts', { cwd: directory })) pointToBundled(directory, file);
}

function pointToBundled(directory: string, file: string): void {
  let text = readFileSync(join(directory, file), 'utf8');
  for (const [name, path] of Object.entries(BUNDLED)) {
    text = text.replaceAll(`from '${name}'`, `from '${relative(dirname(file), path)}'`);
  }
  writeFileSync(join(directory, file), text);
}
