/** One function as it is deployed: its code and, if it connects to a database, the certificates that it reads then. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { buildSync, type Metafile } from 'esbuild';
import { rdsAuthorities } from '../adapters/rds/authorities.ts';
import { RDS_CA_FILE } from '../core/workflow/certificate-file.ts';
import { functionBuild, taskBuild } from './esbuild-options.ts';

const ROOT = join(import.meta.dirname, '..', '..');

/**
 * Writes `index.mjs`, the files that it imports, and the certificates if they are read, into `directory`, which exists, and says what went into it. Throws
 * esbuild's BuildFailure.
 */
export const bundleFunction = (entry: string, directory: string): Metafile =>
  bundle(functionBuild(entry, directory), directory);

/** The same for the program of the container that does long work. */
export const bundleTask = (entry: string, directory: string): Metafile =>
  bundle(taskBuild(entry, join(directory, PROGRAM)), directory);

const PROGRAM = 'index.mjs';
/** As esbuild names it: by its path from the root. */
const READS_AUTHORITIES = 'functions/_runtime/database.ts';

function bundle(options: ReturnType<typeof functionBuild>, directory: string): Metafile {
  const { metafile } = buildSync({ ...options, absWorkingDir: ROOT });
  if (READS_AUTHORITIES in metafile.inputs) {
    writeFileSync(join(directory, RDS_CA_FILE), rdsAuthorities(Date.now()));
  }
  return metafile;
}
