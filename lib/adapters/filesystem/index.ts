/**
 * Migrations and repeatable objects from a directory.
 *
 * Invariants: every file is read once, when the directory is opened, and what is compiled later is what was hashed
 * then, however the files change meanwhile; nothing is ever written; no migration is parsed twice, and neither the parser
 * nor the compiler is loaded before `load`, so that a run with nothing pending costs reading and hashing only.
 *
 * Who is authoritative: the directory, at the moment it is opened. Files that do not end in `.sql`, files that
 * begin with a dot, and what is no file (a directory, a pipe) are no migrations; symbolic links are followed. What is a file
 * is told by reading it: to list a thousand files with their kinds takes a millisecond more, which every start would pay.
 *
 * What can fail: the directory or a file cannot be read (LS103), there are no migrations (LS206), names (LS201, LS202,
 * LS210), a file is too large to be parsed (LS213); in `load` and `loadRepeatables`, what a file contains (LS203 to
 * LS208, LS211).
 */
import { constants, readdirSync, readFileSync, statSync } from 'node:fs';
import { sep } from 'node:path';
import { LockstepError, NOTHING_CHANGED } from '../../core/errors/index.ts';
import type { Migration, Repeatable } from '../../core/plan/bundle.ts';
import { type CatalogEntry, digestOf, type MigrationSource, sha256 } from '../../core/plan/catalog.ts';
import {
  arrangeFiles,
  arrangeRepeatables,
  isMigrationFile,
  type MigrationFiles,
} from '../../core/plan/compile/file-name.ts';
import type { LoadParser } from '../../core/plan/compile/parser.ts';
import { withoutByteOrderMark } from '../../core/plan/compile/source-text.ts';
import { revisionKey } from '../../core/plan/revision.ts';

/** Throws LS103, LS201, LS202, LS206, LS210, LS213. `loadParser` is called by `load` only. */
export async function openMigrationDirectory(path: string, loadParser: LoadParser): Promise<MigrationSource> {
  const listed = readOr103(path, () => readdirSync(path)).filter(isMigrationFile);
  const contents = await readContents(path, listed);
  if (contents.size === 0) throw empty(path);
  const names = [...contents.keys()];
  const migrations = arrangeFiles(names);
  const objects = arrangeRepeatables(names);
  const contentOf = (file: string): Content => contents.get(file)!;
  const bytesOf = (file: string): Buffer => bytesIn(contentOf(file));
  const catalog = migrations.map((migration) => catalogEntry(migration, contentOf));
  const repeatables = objects.map(({ name, file }) => ({ name, sha256: sha256(contentOf(file)) }));
  /** By file: once before anything is written, to refuse what is wrong, and again when it is applied. */
  const compiled = new Map<string, Migration>();
  const compiledObjects = new Map<string, Repeatable>();
  let digest: string | undefined;
  return {
    catalog,
    repeatables,
    /** Where nothing is pending nobody asks for it. */
    get digest() {
      digest ??= digestOf(catalog, repeatables);
      return digest;
    },
    load: async (revisions) => {
      const wanted = new Set(revisions.map(revisionKey));
      const found = migrations.filter(({ revision }) => wanted.has(revisionKey(revision)));
      if (found.every(({ up }) => compiled.has(up))) return found.map(({ up }) => compiled.get(up)!);
      const { compileMigration } = await import('../../core/plan/compile/migration.ts');
      const parser = await loadParser();
      return found.map((migration) => {
        const done = compiled.get(migration.up) ?? compileMigration(migration, bytesOf, parser);
        compiled.set(migration.up, done);
        return done;
      });
    },
    loadRepeatables: async (wanted) => {
      const found = objects.filter(({ name }) => wanted.includes(name));
      if (found.every(({ file }) => compiledObjects.has(file)))
        return found.map(({ file }) => compiledObjects.get(file)!);
      const { compileRepeatable } = await import('../../core/plan/compile/repeatable.ts');
      const parser = await loadParser();
      return found.map((object) => {
        const done = compiledObjects.get(object.file) ?? compileRepeatable(object, bytesOf, parser);
        compiledObjects.set(object.file, done);
        return done;
      });
    },
  };
}

function catalogEntry(
  { up, down, ...name }: MigrationFiles,
  contentOf: (file: string) => Content,
): CatalogEntry {
  return {
    ...name,
    sha256: sha256(contentOf(up)),
    downSha256: down === undefined ? undefined : sha256(contentOf(down)),
  };
}

/** Without a byte order mark. Text is bytes as well: only a file that is no text is kept as it is, to be refused later. */
type Content = string | Buffer;

const bytesIn = (content: Content): Buffer =>
  typeof content === 'string' ? Buffer.from(content, 'utf8') : content;

/**
 * Of those that are files. Synchronously: for a thousand small files that takes a fraction of the time; but what
 * else goes on goes on.
 */
async function readContents(path: string, names: readonly string[]): Promise<Map<string, Content>> {
  const contents = new Map<string, Content>();
  let read = 0;
  for (const file of names) {
    read += 1;
    if (read % READ_AT_ONCE === 0) await new Promise((resolve) => setImmediate(resolve));
    const content = readContent(path, file);
    if (content !== undefined) contents.set(file, content);
  }
  return contents;
}

/** About a millisecond. */
const READ_AT_ONCE = 32;

/** What a decoder puts in the place of what is not UTF-8. */
const REPLACEMENT = '\ufffd';
const BYTE_ORDER_MARK = '\ufeff';

/** A pipe has nothing then, or nothing yet; waited for, it would keep the process from being interrupted. Not on Windows. */
const AT_ONCE = { encoding: 'utf8', flag: constants.O_RDONLY | (constants.O_NONBLOCK ?? 0) } as const;

/** As text, which is faster than as bytes. Undefined for what is no file. */
function readContent(path: string, file: string): Content | undefined {
  const full = `${path}${sep}${file}`;
  let text: string;
  try {
    // Node's types have flags by name only.
    text = readFileSync(full, AT_ONCE as { encoding: 'utf8' });
  } catch (error) {
    if (!isFile(full)) return undefined;
    throw unreadable(full, error);
  }
  if (text === '' && !isFile(full)) return undefined;
  // A character is at most three bytes.
  if (3 * text.length > MOST_BYTES) refuseTooLarge(file, text);
  if (text.includes(REPLACEMENT)) return withoutByteOrderMark(readOr103(full, () => readFileSync(full)));
  return text.startsWith(BYTE_ORDER_MARK) ? text.slice(1) : text;
}

/** Or what is not there, as a link to nothing. */
const isFile = (path: string): boolean =>
  readOr103(path, () => statSync(path, { throwIfNoEntry: false }))?.isFile() ?? true;

/**
 * The parser needs some sixty times a file's size while it parses it, and PostgreSQL plans a statement as a whole.
 * Data of this size is loaded by other means.
 */
const MOST_MB = 8;
const MOST_BYTES = MOST_MB * 1_000_000;

function refuseTooLarge(file: string, text: string): void {
  const bytes = Buffer.byteLength(text);
  if (bytes <= MOST_BYTES) return;
  const mb = bytes / 1_000_000;
  throw new LockstepError('LS213', {
    what: `${file} has ${mb.toFixed(1)} MB, and a migration file may have ${MOST_MB} MB.`,
    state: NOTHING_CHANGED,
    remedy:
      'Split it into several migrations, compute the data in SQL, or load it from outside with COPY before or after the run.',
    context: { file, mb: Math.round(mb), limitMb: MOST_MB },
  });
}

function readOr103<T>(path: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw unreadable(path, error);
  }
}

function unreadable(path: string, cause: unknown): LockstepError {
  const code = (cause as NodeJS.ErrnoException).code ?? String(cause);
  return new LockstepError('LS103', {
    what: `${path} cannot be read: ${REASONS[code] ?? code}.`,
    state: NOTHING_CHANGED,
    remedy: 'Check the path, and who may read it.',
    context: { path },
    cause,
  });
}

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'it does not exist',
  ENOTDIR: 'it is no directory',
  EACCES: 'permission is denied',
  ELOOP: 'it is a symbolic link to itself',
  ERR_STRING_TOO_LONG: `a migration file may have ${MOST_MB} MB`,
  ERR_FS_FILE_TOO_LARGE: `a migration file may have ${MOST_MB} MB`,
};

const empty = (path: string): LockstepError =>
  new LockstepError('LS206', {
    what: `${path} has no migrations.`,
    state: NOTHING_CHANGED,
    remedy: 'Check the path, or begin with `lockstep new`.',
    context: { path },
  });
