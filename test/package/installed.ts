/** The package as somebody else has it: packed in this checkout, installed from the file into an empty folder. */
import { type ExecFileException, execFile } from 'node:child_process';
import { mkdir, mkdtemp, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';

const ROOT = join(import.meta.dirname, '..', '..');

export interface Ended {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Folder {
  readonly path: string;
  /** Runs a program of the machine's own: no Node and no command of this checkout is on its PATH. */
  run(program: string, args: readonly string[], variables?: Readonly<Record<string, string>>): Promise<Ended>;
  /** As a user does who types it; what is on the machine's PATH decides on the version of Node. */
  npx(...args: readonly string[]): Promise<Ended>;
}

export interface Installed {
  readonly tarball: string;
  /** With nothing but this package in it. */
  readonly bare: Folder;
  /** A folder of its own with this package and these ones, from the checkout. */
  withPeers(...names: readonly string[]): Promise<Folder>;
  remove(): Promise<void>;
}

const MACHINE_PATH = (process.env.PATH ?? '')
  .split(delimiter)
  .filter((directory) => !directory.endsWith(join('node_modules', '.bin')))
  .join(delimiter);

export async function packAndInstall(): Promise<Installed> {
  const scratch = await mkdtemp(join(tmpdir(), 'lockstep-package-'));
  const variables = { npm_config_cache: join(scratch, 'cache'), npm_config_update_notifier: 'false' };
  const npm = async (cwd: string, ...args: readonly string[]) => {
    const { exitCode, stdout, stderr } = await run('npm', args, { cwd, variables });
    if (exitCode !== 0) throw new Error(`npm ${args.join(' ')}\n${stdout}${stderr}`);
  };
  await npm(ROOT, 'pack', '--pack-destination', scratch);
  const [packed = ''] = (await readdir(scratch)).filter((name) => name.endsWith('.tgz'));
  const tarball = join(scratch, packed);

  const install = async (name: string): Promise<Folder> => {
    const path = join(scratch, name);
    await mkdir(path);
    await writeFile(join(path, 'package.json'), '{ "private": true }');
    await npm(path, 'install', '--offline', '--no-audit', '--no-fund', tarball);
    return {
      path,
      run: (program, args, more) => run(program, args, { cwd: path, variables: { ...variables, ...more } }),
      npx: (...args) => run('npx', args, { cwd: path, variables }),
    };
  };
  return {
    tarball,
    bare: await install('bare'),
    withPeers: async (...names) => {
      const folder = await install(`with-${names.length}-peers`);
      for (const name of names) {
        const link = join(folder.path, 'node_modules', name);
        await mkdir(dirname(link), { recursive: true });
        await symlink(join(ROOT, 'node_modules', name), link);
      }
      return folder;
    },
    remove: () => rm(scratch, { recursive: true }),
  };
}

interface RunOptions {
  readonly cwd: string;
  readonly variables: Readonly<Record<string, string>>;
}

function run(program: string, args: readonly string[], { cwd, variables }: RunOptions): Promise<Ended> {
  const env = { PATH: MACHINE_PATH, HOME: process.env.HOME, TMPDIR: process.env.TMPDIR, ...variables };
  return new Promise((resolve) => {
    execFile(program, args, { cwd, env }, (error: ExecFileException | null, stdout, stderr) => {
      const exitCode = error === null ? 0 : typeof error.code === 'number' ? error.code : -1;
      resolve({ exitCode, stdout, stderr });
    });
  });
}

/** The compiler of this checkout, for programs in other folders. */
export const TSC = join(ROOT, 'node_modules', 'typescript', 'lib', 'tsc.js');
