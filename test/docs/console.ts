/** Runs a section of a document: its files are written, its commands run, and what they print is compared. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'vitest';
import { folderWith, lockstep } from '../cli/command-line.ts';
import { databaseForTest } from '../cli/database-content.ts';
import { queryRows } from '../support/postgres.ts';
import { readDocument } from './markdown.ts';

const BLOCK = /^```(sql|console)\n([\s\S]*?)^```$/gm;

/**
 * A block of SQL is a file, named in its first line (`-- 0001_a.sql`), or what somebody does to the database by hand
 * (`-- by hand`). The database is a new one, if none is given. A block `console` has commands behind `$`, each with its output, errors last; `…` stands for anything.
 */
export async function runSection(path: string, title: string, database?: string): Promise<void> {
  const text =
    readDocument(path)
      .split(/^## /m)
      .find((part) => part.startsWith(`${title}\n`)) ?? '';
  const blocks = [...text.matchAll(BLOCK)];
  expect(blocks.length).toBeGreaterThan(0);
  const url = database ?? (await databaseForTest()).url;
  const folder = await folderWith({});
  for (const [, language, content = ''] of blocks) {
    const file = /^-- (\d\w+(?:\.\w+)*\.sql)/.exec(content)?.[1];
    if (language === 'console') await compare(content, folder, url);
    else if (file) await writeFile(join(folder, file), content);
    else await queryRows(url, content);
  }
}

async function compare(block: string, folder: string, url: string): Promise<void> {
  const env = { DATABASE_URL: url, LOCKSTEP_TARGET: 'orders' };
  let printed = '';
  for (const [, command = ''] of block.matchAll(/^\$ lockstep (.+)$/gm)) {
    const { stdout, stderr } = await lockstep([...command.split(' '), '--migrations', folder], env, folder);
    printed += `$ lockstep ${command}\n${stdout}${withoutProgress(stderr)}`;
  }
  if (!block.includes('…')) expect(withoutNumbers(printed)).toBe(withoutNumbers(block));
  else expect(printed).toMatch(patternOf(block));
}

const escaped = (text: string): string => text.replaceAll(/[$()*+.?[\\\]^{|}]/g, '\\$&');

const patternOf = (block: string): RegExp => new RegExp(`^${block.split('…').map(escaped).join('[^]*')}$`);

/** Progress says when; what it says is the business of other tests. */
const withoutProgress = (stderr: string): string => /^Error [\s\S]*/m.exec(stderr)?.[0] ?? '';

const withoutNumbers = (text: string): string => text.replaceAll(/\b\d+(?:\.\d+)? (?:ms|s)\b/g, 'a while');
