/**
 * The other tools. Each runs as its documentation shows, with the settings that are best for it here: its own lock
 * in the mode that waits, if it has one; no log; and, where it takes a source of migrations, SQL files as they are.
 */
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import {
  type BenchMigration,
  type Contender,
  digits,
  type Files,
  node,
  oneFileEach,
  plainName,
} from './contender.ts';
import { onPath } from './limits.ts';

export const PEERS = join(import.meta.dirname, '../peers');
export const START = join(PEERS, 'start.mjs');

const NO_TRANSACTION = { outside: '-- no transaction\n' };

const CONVENTIONS: Readonly<Record<string, Contender['files']>> = {
  'node-pg-migrate': nodePgMigrateFiles,
  'graphile-migrate': graphileFiles,
  postgrator: oneFileEach(({ number }) => `${digits(number)}.do.step.sql`),
  'postgres-migrations': oneFileEach(({ number }) => `${number}_step-${number}.sql`, {
    outside: '-- postgres-migrations disable-transaction\n',
  }),
  knex: oneFileEach(plainName, NO_TRANSACTION),
  'drizzle-orm': drizzleFiles,
  kysely: oneFileEach(plainName, NO_TRANSACTION),
  umzug: oneFileEach(plainName),
};

export function peers(): readonly Contender[] {
  const inNode = Object.entries(CONVENTIONS).map(([name, files]) => nodePeer(name, files));
  const dbmate = dbmatePeer();
  return dbmate ? [dbmate, ...inNode] : inNode;
}

function nodePeer(name: string, files: Contender['files']): Contender {
  const module = join(PEERS, `${name}.mjs`);
  return { name, kind: 'peer', files, module, up: (folder, url) => node(START, module, folder, url) };
}

/** The program itself, without the Node script that its package starts it with. */
function dbmatePeer(): Contender | undefined {
  const own = join(PEERS, 'node_modules/@dbmate', `${process.platform}-${process.arch}`, 'bin/dbmate');
  const program = existsSync(own) ? own : onPath('dbmate');
  if (program === undefined) return undefined;
  const settings = ['--no-dump-schema', '--env-file', '/dev/null'];
  return {
    name: 'dbmate (Go)',
    kind: 'peer',
    files: oneFileEach(plainName, {
      before: '-- migrate:up\n',
      outside: '-- migrate:up transaction:false\n',
      after: '-- migrate:down\n',
    }),
    up: (folder, url) => ({
      file: program,
      args: ['--url', url, '--migrations-dir', folder, ...settings, 'migrate'],
    }),
  };
}

/** Only a module can say that it is not to run in a transaction. */
function nodePgMigrateFiles(migrations: readonly BenchMigration[]): Files {
  const file = ({ number, sql, outsideTransaction }: BenchMigration): [string, string] => {
    const name = `${1_700_000_000_000 + number}_step`;
    if (!outsideTransaction) return [`${name}.sql`, `-- Up Migration\n${sql}\n`];
    const text = `export const up = (pgm) => {\n  pgm.noTransaction();\n  pgm.sql(${JSON.stringify(sql)});\n};\n`;
    return [`${name}.mjs`, text];
  };
  return Object.fromEntries(migrations.map(file));
}

/** Each has the hash of the one before it. */
function graphileFiles(migrations: readonly BenchMigration[]): Files {
  const files: Record<string, string> = {};
  let previous = '';
  for (const { number, sql, outsideTransaction } of migrations) {
    const body = `${outsideTransaction ? '--! no-transaction\n' : ''}${sql}`.trim();
    const hash = `sha1:${createHash('sha1')
      .update(`${`${previous}\n${body}`.trim()}\n`)
      .digest('hex')}`;
    files[`committed/${digits(number, 6)}.sql`] =
      `--! Previous: ${previous || '-'}\n--! Hash: ${hash}\n\n${body}\n`;
    previous = hash;
  }
  return files;
}

function drizzleFiles(migrations: readonly BenchMigration[]): Files {
  const entries = migrations.map(({ number }) => ({
    idx: number - 1,
    version: '7',
    when: 1_700_000_000_000 + number,
    tag: `${digits(number)}_step`,
    breakpoints: true,
  }));
  const journal = JSON.stringify({ version: '7', dialect: 'postgresql', entries });
  return { ...oneFileEach(plainName)(migrations), 'meta/_journal.json': journal };
}
