/**
 * Many tests share a server and run at once. Its views show the sessions and locks of all of them, so that a query of one
 * has to say whose it means; one that does not is fooled by a neighbour, once in a hundred runs.
 */
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

const ROOT = join(import.meta.dirname, '..');
/** These start a server of their own, create tables of these names, or are examples. */
const OWN_SERVER = /^(bench|load|tools|core)\/|^faults\/server-crash|session-hygiene|rehearsing|own-database/;
const SHOWS_ALL = /\bpg_(locks|stat_activity|stat_progress_\w+|prepared_xacts)\b/;
const SAYS_WHOSE = /current_database\(\)|\bpid = |::regclass|\{WAITS_FOR_LOCK\}/;

/** Queries of the text that look at everybody. */
function careless(text: string): string[] {
  const queries = text.match(/`[^`]*`|"[^"\n]*"|'[^'\n]*'/g) ?? [];
  return queries.filter(
    (query) => /\bFROM\b/.test(query) && SHOWS_ALL.test(query) && !SAYS_WHOSE.test(query),
  );
}

test('a query of a test says whose sessions and locks it means', () => {
  const files = globSync('**/*.ts', { cwd: ROOT, exclude: ['**/node_modules/**'] });
  expect(files.length).toBeGreaterThan(300);
  const found = files
    .filter((file) => !OWN_SERVER.test(file))
    .flatMap((file) => careless(readFileSync(join(ROOT, file), 'utf8')).map((query) => `${file}: ${query}`));
  expect(found).toEqual([]);
});

test.each([
  `"SELECT FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"`,
  "`SELECT pid\n  FROM pg_stat_activity WHERE wait_event = 'PgSleep'`",
])('such a one does not: %s', (text) => {
  expect(careless(`await until(${text});`)).toHaveLength(1);
});
