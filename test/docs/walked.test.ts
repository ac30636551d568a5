/**
 * Which sections of docs/runbook.md were tried, from the alarm's or error's text alone to a system that is fine
 * (test/runbook/): all of them. A new code or alarm has its walk, too.
 */
import { readdirSync } from 'node:fs';
import { expect, test } from 'vitest';
import { readDocument, sectionsOf } from './markdown.ts';

const FOLDER = 'test/runbook';
/** Rows of a table of walks, and tests that are one walk each. */
const WALK = /^(?: {2}|test\(['"])(LS\d{3}|Alarm: [^:,]+)[:,]/gm;

const sections = sectionsOf('docs/runbook.md')
  .map(({ title }) => /^(?:LS\d{3}|Alarm: .*)/.exec(title)?.[0])
  .filter((title) => title !== undefined);
const tried = readdirSync(`${import.meta.dirname}/../runbook`)
  .filter((file) => file.endsWith('.suite.ts'))
  .flatMap((file) => [...readDocument(`${FOLDER}/${file}`).matchAll(WALK)].map(([, title = '']) => title));

test('every section is tried', () => {
  expect(sections.length).toBeGreaterThan(90);
  expect(sections.filter((title) => !tried.includes(title))).toEqual([]);
});

test('nothing is tried that is not there', () => {
  expect(tried.filter((title) => !sections.includes(title))).toEqual([]);
});
