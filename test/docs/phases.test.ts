import { expect, it } from 'vitest';
import { folderWith, lockstep } from '../cli/command-line.ts';
import { databaseForTest } from '../cli/database-content.ts';
import { codeBlocks } from './markdown.ts';

const PAGE = 'docs/phases.md';
const files = Object.fromEntries(
  codeBlocks(PAGE, 'sql').map((code) => [/^-- (\S+\.sql)\n/.exec(code)?.[1] ?? 'unnamed', code]),
);
const [story = ''] = codeBlocks(PAGE, 'sh');

it('the example goes as its comments say', { timeout: 90_000 }, async () => {
  const [{ url }, folder] = [await databaseForTest(), await folderWith(files)];
  const lines = story.trim().split('\n');
  expect(lines).toHaveLength(8);
  for (const line of lines) {
    const [, args = '', comment = ''] = /^lockstep (.+?) +# (.+)$/.exec(line) ?? [];
    const ended = await lockstep([...args.split(' '), '--json', '--migrations', folder], {
      DATABASE_URL: url,
    });
    const { applied = [], error } = JSON.parse(ended.stdout);
    const told = error ? `refused: ${error.code}` : ['applied:', ...applied].join(' ');
    if (args.startsWith('up')) expect(told, line).toBe(comment);
    expect(ended.exitCode === 0, line).toBe(!comment.startsWith('refused'));
  }
});
