/** Limits: what a script without locks, fences and checks could do. */
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import {
  type BenchMigration,
  type Contender,
  digits,
  type Files,
  node,
  oneFileEach,
  plainName,
} from './contender.ts';

const script = (name: string): string => join(import.meta.dirname, '../bare', name);

/** The full path of a program that is on PATH. */
export function onPath(program: string): string | undefined {
  const folders = (process.env.PATH ?? '').split(delimiter);
  return folders.map((folder) => join(folder, program)).find((file) => existsSync(file));
}

export const bareApply = (roundTrips: 'one' | 'four'): Contender => ({
  name: `bare pg, ${roundTrips} round trip${roundTrips === 'one' ? '' : 's'} each`,
  kind: 'limit',
  files: oneFileEach(plainName),
  up: (folder, url) => node(script('apply.mjs'), folder, url, roundTrips),
});

/** Migrations were applied by `bareApply`. */
export const bareNothingToDo: Contender = {
  ...bareApply('one'),
  name: 'bare pg: read, hash, connect, compare',
  up: (folder, url) => node(script('nothing-to-do.mjs'), folder, url),
};

export const bareFirstQuery: Contender = {
  ...bareApply('one'),
  name: 'bare pg: connect and ask',
  up: (folder, url) => node(script('first-query.mjs'), folder, url),
};

export const nodeAlone: Contender = { ...bareApply('one'), name: 'Node alone', up: () => node('-e', '') };

/** psql sends each statement by itself. Undefined when it is not installed. */
export function psqlApply(): Contender | undefined {
  const psql = onPath('psql');
  if (psql === undefined) return undefined;
  return {
    name: 'psql',
    kind: 'limit',
    files: psqlFiles,
    up: (folder, url) => ({ file: psql, args: [...PSQL, '-f', join(folder, 'all.sql'), url] }),
  };
}

/** The same database, and a look at its ledger. */
export function psqlNothingToDo(): Contender | undefined {
  const applied = psqlApply();
  if (!applied) return undefined;
  return {
    ...applied,
    name: 'psql, one query',
    up: (_, url) => ({
      file: applied.up('', url).file,
      args: [...PSQL, '-c', 'SELECT name FROM bare_ledger', url],
    }),
  };
}

const PSQL = ['-X', '-q', '-v', 'ON_ERROR_STOP=1'];

function psqlFiles(migrations: readonly BenchMigration[]): Files {
  const each = migrations.map(
    ({ number, sql }) => `BEGIN;\nINSERT INTO bare_ledger VALUES ('${digits(number)}');\n${sql}\nCOMMIT;\n`,
  );
  return { 'all.sql': ['CREATE TABLE bare_ledger (name text PRIMARY KEY);\n', ...each].join('') };
}
