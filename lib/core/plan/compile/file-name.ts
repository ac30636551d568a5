import { LockstepError, NOTHING_CHANGED } from '../../errors/index.ts';
import { compareNames, PHASES, type Phase } from '../catalog.ts';
import { compareRevisions, revisionKey } from '../revision.ts';
import type { RepeatableFile } from './repeatable.ts';

/** Revision, slug, phase, whether it is a down file. Only tested: a thousand matches are a megabyte of garbage. */
const FORM = /^\d{1,18}_[A-Za-z0-9_-]+(?:\.[a-z]+)??(?:\.down)?\.sql$/;

const REPEATABLE = /^R_(?<name>[A-Za-z0-9_-]+)\.sql$/;

/** The form, as errors and `lockstep new` show it. */
export const FILE_NAME_FORM =
  '<revision>_<slug>[.expand|.backfill|.contract][.down].sql, such as 0042_add_email.sql, or R_<name>.sql';

/** The files of one migration. */
export interface MigrationFiles {
  /** As the up file's name has it. */
  readonly revision: string;
  readonly slug: string;
  readonly phase: Phase;
  readonly up: string;
  readonly down?: string | undefined;
}

interface FileName {
  readonly file: string;
  readonly revision: string;
  readonly slug: string;
  /** Undefined if the name does not say. */
  readonly phase: Phase | undefined;
  readonly down: boolean;
}

/** Whether a directory entry claims to be a migration. The others (a README, an editor's files) are ignored. */
export const isMigrationFile = (file: string): boolean => !file.startsWith('.') && /\.sql$/i.test(file);

/**
 * Sorts file names into migrations, ascending by revision, and passes over repeatable objects. Throws LS201 for a name of another form, LS202 for
 * two files of one revision, LS210 for a down file without its migration.
 */
export function arrangeFiles(files: readonly string[]): MigrationFiles[] {
  const [ups, downs] = [new Map<string, FileName>(), new Map<string, FileName>()];
  for (const file of files.toSorted()) {
    if (objectIn(file) !== undefined) continue;
    const name = parseFileName(file);
    const index = name.down ? downs : ups;
    const key = revisionKey(name.revision);
    const other = index.get(key);
    if (other) throw duplicate(other, name);
    index.set(key, name);
  }
  for (const [key, down] of downs) checkDown(down, ups.get(key));
  return [...ups.values()]
    .sort((a, b) => compareRevisions(a.revision, b.revision))
    .map(({ file, revision, slug, phase = 'expand' }) => {
      const down = downs.size === 0 ? undefined : downs.get(revisionKey(revision))?.file;
      return { revision, slug, phase, up: file, down };
    });
}

/** The repeatable objects among the files, in the order of their names. */
export const arrangeRepeatables = (files: readonly string[]): RepeatableFile[] =>
  files
    .flatMap((file) => {
      const name = objectIn(file);
      return name === undefined ? [] : [{ name, file }];
    })
    .sort(compareNames);

/** Undefined if it is no file of a repeatable object. Asked of every file, and few are. */
const objectIn = (file: string): string | undefined =>
  file.startsWith('R_') ? REPEATABLE.exec(file)?.groups?.name : undefined;

function parseFileName(file: string): FileName {
  const down = file.endsWith('.down.sql');
  if (down && file.startsWith('R_')) throw misnamed(file, 'a repeatable object has no down file');
  const stem = file.slice(0, down ? -'.down.sql'.length : -'.sql'.length);
  const underscore = stem.indexOf('_');
  const dot = stem.indexOf('.');
  const phase = dot === -1 ? undefined : stem.slice(dot + 1);
  if (!FORM.test(file) || !isPhase(phase)) {
    throw misnamed(file, `it is not of the form ${FILE_NAME_FORM}`);
  }
  const revision = stem.slice(0, underscore);
  if (revisionKey(revision) === '0') throw misnamed(file, 'revision 0 stands for the empty database');
  return { file, revision, slug: stem.slice(underscore + 1, dot === -1 ? undefined : dot), phase, down };
}

const isPhase = (text: string | undefined): text is Phase | undefined =>
  text === undefined || (PHASES as readonly string[]).includes(text);

function checkDown(down: FileName, up: FileName | undefined): void {
  const { file } = down;
  if (!up || up.slug !== down.slug) {
    const found = up ? `; revision ${up.revision} is ${up.file}` : '';
    throw new LockstepError('LS210', {
      what: `${file} reverts a migration that is not there${found}.`,
      state: NOTHING_CHANGED,
      remedy: `Add ${down.revision}_${down.slug}.sql, or rename or remove ${file}.`,
      context: { file },
    });
  }
  const phase = up.phase ?? 'expand';
  if (down.phase && down.phase !== phase) {
    throw misnamed(file, `it says ${down.phase}, but its migration ${up.file} is of phase ${phase}`);
  }
}

const misnamed = (file: string, why: string): LockstepError =>
  new LockstepError('LS201', {
    what: `The file name ${file} is not understood: ${why}.`,
    state: NOTHING_CHANGED,
    remedy: 'Rename the file, or move it out of the migrations directory.',
    context: { file },
  });

const duplicate = (first: FileName, second: FileName): LockstepError =>
  new LockstepError('LS202', {
    what: `${first.file} and ${second.file} have the same revision.`,
    state: NOTHING_CHANGED,
    remedy: 'Give the one that is applied nowhere yet the next free revision.',
    context: { first: first.file, second: second.file },
  });
