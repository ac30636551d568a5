/** A migrator as its users have it: installed from its registry, with a project of its own. */
import { execFile } from 'node:child_process';
import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import type { ForeignTool } from '../../../lib/core/foreign/index.ts';

export type Project = Readonly<Record<string, string>>;

export interface Tool {
  readonly name: ForeignTool;
  /** Puts it into the folder, which is its own. Throws when it cannot be had. */
  install(folder: string): Promise<Installed>;
  /** The files of a project with these migrations, in their order. */
  project(migrations: readonly Step[]): Project;
  /** Beside DATABASE_URL. */
  variables?(url: URL): Readonly<Record<string, string>>;
  /** What its history has more after the first migration, and after both. */
  readonly ids: readonly [readonly string[], readonly string[]];
  /** Whether two of it at once fail, or do it twice, by themselves. */
  readonly collides: boolean;
}

export interface Installed {
  /** Folders with its programs. */
  readonly path: readonly string[];
  /** For the project, if it looks for packages beside itself. */
  readonly modules?: string;
}

export interface Step {
  readonly name: string;
  readonly sql: string;
}

export const run = promisify(execFile);

/** The first line that a program complains with: Maven does so on its standard output. */
export function reasonOf(error: Error): string {
  const { stdout = '', stderr = '' } = error as { stdout?: string; stderr?: string };
  const lines = `${stderr}\n${stdout}`.split('\n');
  return lines.find((line) => /error/i.test(line)) ?? error.message.split('\n')[0] ?? '';
}

/** In the folder, with nothing but the packages named; scripts of packages are run, as users do. */
export async function npmInstall(folder: string, ...packages: string[]): Promise<Installed> {
  await writeFile(join(folder, 'package.json'), '{ "private": true }');
  await run('npm', ['install', '--no-audit', '--no-fund', ...packages], { cwd: folder });
  const modules = join(folder, 'node_modules');
  return { path: [join(modules, '.bin')], modules };
}

export async function writeFiles(folder: string, files: Project): Promise<void> {
  for (const [name, text] of Object.entries(files)) {
    const path = join(folder, name);
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, text);
  }
}

export async function writeProgram(path: string, script: string): Promise<void> {
  await writeFile(path, script);
  await chmod(path, 0o755);
}
