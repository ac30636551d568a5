/**
 * Migrations and repeatable objects from a directory.
 *
 * Invariants: every file is read once, when the directory is opened, and what is compiled later is what was hashed
 * then, however the files change meanwhile; nothing is ever written; no file is parsed and the parser is not even
 * loaded before `load`, so that a run with nothing pending costs reading and hashing only.
 *
 * Who is authoritative: the directory, at the moment it is opened. Files that do not end in `.sql`, files that
 * begin with a dot, and directories are no migrations; symbolic links are followed.
 *
 * What can fail: the directory or a file cannot be read (LS103), there are no migrations (LS206), names (LS201, LS202,
 * LS210); in `load` and `loadRepeatables`, what a file contains (LS203 to LS208, LS211).
 */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { LockstepError, NOTHING_CHANGED } from '../../core/errors/index.ts';
import { type CatalogEntry, digestOf, type MigrationSource, sha256 } from '../../core/plan/bundle.ts';
import {
  arrangeFiles,
  arrangeRepeatables,
  isMigrationFile,
  type MigrationFiles,
} from '../../core/plan/compile/file-name.ts';
import { compileMigration } from '../../core/plan/compile/migration.ts';
import type { LoadParser } from '../../core/plan/compile/parser.ts';
import { compileRepeatable } from '../../core/plan/compile/repeatable.ts';
import { withoutByteOrderMark } from '../../core/plan/compile/source-text.ts';
import { revisionKey } from '../../core/plan/revision.ts';

/** Throws LS103, LS201, LS202, LS206, LS210. `loadParser` is called by `load` only. */
export async function openMigrationDirectory(path: string, loadParser: LoadParser): Promise<MigrationSource> {
  const names = listFiles(path);
  const migrations = arrangeFiles(names);
  const objects = arrangeRepeatables(names);
  if (names.length === 0) throw empty(path);
  const contents = new Map(names.map((file) => [file, readContent(path, file)]));
  const bytesOf = (file: string): Buffer => contents.get(file)!;
  const catalog = migrations.map((migration) => catalogEntry(migration, bytesOf));
  const repeatables = objects.map(({ name, file }) => ({ name, sha256: sha256(bytesOf(file)) }));
  return {
    catalog,
    repeatables,
    digest: digestOf(catalog, repeatables),
    load: async (revisions) => {
      const wanted = new Set(revisions.map(revisionKey));
      const found = migrations.filter(({ revision }) => wanted.has(revisionKey(revision)));
      if (found.length === 0) return [];
      const parser = await loadParser();
      return found.map((migration) => compileMigration(migration, bytesOf, parser));
    },
    loadRepeatables: async (wanted) => {
      const found = objects.filter(({ name }) => wanted.includes(name));
      if (found.length === 0) return [];
      const parser = await loadParser();
      return found.map((file) => compileRepeatable(file, bytesOf, parser));
    },
  };
}

function catalogEntry(
  { up, down, ...name }: MigrationFiles,
  bytesOf: (file: string) => Buffer,
): CatalogEntry {
  return {
    ...name,
    sha256: sha256(bytesOf(up)),
    downSha256: down === undefined ? undefined : sha256(bytesOf(down)),
  };
}

function listFiles(path: string): string[] {
  return readOr103(path, () => readdirSync(path, { withFileTypes: true }))
    .filter((entry) => isMigrationFile(entry.name))
    .filter((entry) => entry.isFile() || (entry.isSymbolicLink() && pointsToFile(join(path, entry.name))))
    .map((entry) => entry.name);
}

const pointsToFile = (link: string): boolean => readOr103(link, () => statSync(link)).isFile();

/** Synchronous on purpose: for a thousand small files it takes a fraction of the time. */
function readContent(path: string, file: string): Buffer {
  const full = join(path, file);
  return withoutByteOrderMark(readOr103(full, () => readFileSync(full)));
}

function readOr103<T>(path: string, read: () => T): T {
  try {
    return read();
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code ?? String(cause);
    throw new LockstepError('LS103', {
      what: `${path} cannot be read: ${REASONS[code] ?? code}.`,
      state: NOTHING_CHANGED,
      remedy: 'Check the path, and who may read it.',
      context: { path },
      cause,
    });
  }
}

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'it does not exist',
  ENOTDIR: 'it is no directory',
  EACCES: 'permission is denied',
  ELOOP: 'it is a symbolic link to itself',
};

const empty = (path: string): LockstepError =>
  new LockstepError('LS206', {
    what: `${path} has no migrations.`,
    state: NOTHING_CHANGED,
    remedy: 'Check the path, or begin with `lockstep new`.',
    context: { path },
  });
