/**
 * Examples of a page as a person would follow them, from top to bottom of one section.
 *
 *   sql       with a file's name in its first line it is written to the folder of migrations; with `-- in the database`
 *             it is run there
 *   console   lines with `$` are commands; what is below them is in their output, in this order
 */
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'vitest';
import { folderWith, lockstep } from '../cli/command-line.ts';
import { databaseForTest } from '../cli/database-content.ts';
import { queryRows } from '../support/postgres.ts';
import { readDocument } from './markdown.ts';

const BLOCK = /^```(\w+)\n([\s\S]*?)^```$/gm;

export async function followExample(path: string, title: string): Promise<void> {
  const [, section] = `${readDocument(path)}\n## `.split(`\n## ${title}\n`);
  const blocks = [...(section?.split('\n## ')[0] ?? '').matchAll(BLOCK)];
  expect(blocks.filter(([, language]) => language === 'console')).not.toEqual([]);
  const [{ url }, folder] = [await databaseForTest(), await folderWith({})];
  for (const [, language, text = ''] of blocks) {
    if (language === 'sql') await follow(text, url, folder);
    if (language === 'console') {
      for (const entry of text.split(/^\$ /m).slice(1)) await type(entry, url, folder);
    }
  }
}

async function follow(sql: string, url: string, folder: string): Promise<void> {
  const file = /^-- (\w+(?:\.\w+)*\.sql)\n/.exec(sql)?.[1];
  if (file !== undefined) await writeFile(join(folder, file), sql);
  else if (sql.startsWith('-- in the database\n')) await queryRows(url, sql);
}

async function type(entry: string, url: string, folder: string): Promise<void> {
  const [command = '', ...shown] = entry.trimEnd().split('\n');
  const [program, ...args] = command.split(' ');
  if (program === 'rm') return rm(join(folder, args[0]!));
  expect(program).toBe('lockstep');
  const { stdout, stderr } = await lockstep([...args, '--migrations', folder], {
    DATABASE_URL: url,
    LOCKSTEP_TARGET: 'orders',
  });
  const printed = `${stdout}\n${stderr}`.split('\n').map((line) => line.trimEnd());
  let from = 0;
  for (const line of shown) {
    const found = printed.indexOf(line, from);
    expect(found, `\`${command}\` does not print ${JSON.stringify(line)}:\n${printed.join('\n')}`).not.toBe(
      -1,
    );
    from = found + 1;
  }
}
