/** A bundle's text, from files given by name. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openMigrationDirectory } from '../../lib/adapters/filesystem/index.ts';
import { loadParser } from '../../lib/adapters/libpg-query/index.ts';
import { compileBundle } from '../../lib/core/plan/compile/index.ts';

export async function compiledText(files: Readonly<Record<string, string>>): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'lockstep-compiled-'));
  try {
    await Promise.all(Object.entries(files).map(([name, sql]) => writeFile(join(directory, name), sql)));
    return `${JSON.stringify(await compileBundle(await openMigrationDirectory(directory, loadParser)))}\n`;
  } finally {
    await rm(directory, { recursive: true });
  }
}
