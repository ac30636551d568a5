/**
 * Which sections of docs/runbook.md were tried, from the alarm's or error's text alone to a system that is fine
 * (test/runbook/), and why the others were not. A new code or alarm is in one of the two.
 */
import { readdirSync } from 'node:fs';
import { expect, test } from 'vitest';
import { readDocument, sectionsOf } from './markdown.ts';

/** What nothing on one machine can provoke, or heal. */
const NOT_TRIED: Readonly<Record<string, string>> = {
  LS104: 'is seen in an installed package only: test/package/package.test.ts takes one apart',
  LS403:
    'an attempt ends the session of the one before it first; test/adapters/postgres-session.test.ts writes late on purpose',
};

const FOLDER = 'test/runbook';
/** Rows of a table of walks, and tests that are one walk each. */
const WALK = /^(?: {2}|test\(['"])(LS\d{3}|Alarm: [^:,]+)[:,]/gm;

const sections = sectionsOf('docs/runbook.md')
  .map(({ title }) => /^(?:LS\d{3}|Alarm: .*)/.exec(title)?.[0])
  .filter((title) => title !== undefined);
const excused = Object.keys(NOT_TRIED);
const tried = readdirSync(`${import.meta.dirname}/../runbook`)
  .filter((file) => file.endsWith('.suite.ts'))
  .flatMap((file) => [...readDocument(`${FOLDER}/${file}`).matchAll(WALK)].map(([, title = '']) => title));

test('every section is tried, or it is said why not', () => {
  expect(sections.length).toBeGreaterThan(90);
  expect(sections.filter((title) => !tried.includes(title) && !excused.includes(title))).toEqual([]);
});

test('nothing is excused that is tried, or that is not there', () => {
  expect(excused.filter((title) => tried.includes(title) || !sections.includes(title))).toEqual([]);
  expect(tried.filter((title) => !sections.includes(title))).toEqual([]);
});
