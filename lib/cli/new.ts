import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { LockstepError, NOTHING_CHANGED } from '../core/errors/index.ts';
import type { Phase } from '../core/plan/catalog.ts';
import { arrangeFiles, isMigrationFile } from '../core/plan/compile/file-name.ts';
import { DEFAULT_DIRECTORY } from '../settings/migrations-location.ts';
import type { CommandContext, CommandResult } from './frame/context.ts';

interface NewOptions {
  readonly slug: string;
  readonly phase: Phase;
  readonly repeatable?: true;
}

export async function newMigration({ options }: CommandContext<NewOptions>): Promise<CommandResult> {
  const slug = readSlug(options.slug);
  const directory = options.migrations ?? DEFAULT_DIRECTORY;
  const revision = await nextRevision(directory);
  if (options.repeatable) return newRepeatable(directory, slug);
  const { phase } = options;
  const up = join(directory, `${revision}_${slug}${phase === 'expand' ? '' : `.${phase}`}.sql`);
  const down = join(directory, `${revision}_${slug}.down.sql`);
  await write(up, `-- ${revision}_${slug}: what it does, and why.\n\n`);
  await write(down, `-- Takes back ${revision}_${slug}; delete this file if that cannot be done.\n\n`);
  return { text: `Wrote ${up}\nWrote ${down}`, json: { revision, slug, phase, files: [up, down] } };
}

async function newRepeatable(directory: string, name: string): Promise<CommandResult> {
  const file = join(directory, `R_${name}.sql`);
  await write(file, `-- R_${name}: applied again whenever its SQL changes. CREATE OR REPLACE …\n\n`);
  return { text: `Wrote ${file}`, json: { name, files: [file] } };
}

/** A few words become a slug; anything else is refused. */
function readSlug(words: string): string {
  const slug = words.trim().replaceAll(/\s+/g, '_');
  if (/^[A-Za-z0-9_-]+$/.test(slug)) return slug;
  throw new LockstepError('LS101', {
    what: `The slug ${JSON.stringify(words)} has characters other than letters, digits, _ and -.`,
    state: NOTHING_CHANGED,
    remedy: 'Say in a few plain words what the migration does: `lockstep new add_email`.',
  });
}

/** One above the highest, as wide as it. Throws LS103, LS201, LS202, LS210. */
async function nextRevision(directory: string): Promise<string> {
  const files = await readOrMake(directory);
  const highest = arrangeFiles(files.filter(isMigrationFile)).at(-1)?.revision ?? '0000';
  return String(BigInt(highest) + 1n).padStart(highest.length, '0');
}

async function readOrMake(directory: string): Promise<string[]> {
  try {
    await mkdir(directory, { recursive: true });
    return await readdir(directory);
  } catch (cause) {
    throw unusable(directory, cause);
  }
}

async function write(file: string, text: string): Promise<void> {
  try {
    // Never over a file that somebody else has just made.
    await writeFile(file, text, { flag: 'wx' });
  } catch (cause) {
    throw unusable(file, cause);
  }
}

const unusable = (path: string, cause: unknown): LockstepError =>
  new LockstepError('LS103', {
    what: `${path} cannot be written: ${(cause as Error).message}.`,
    state: NOTHING_CHANGED,
    remedy: 'Check the path, and who may write there.',
    cause,
  });
