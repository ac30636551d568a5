import { beforeAll, describe, expect, test } from 'vitest';
import { RUNBOOK, RunbookSection } from '../../lib/constructs/runbook.ts';
import { CATALOGUE } from '../../lib/core/errors/index.ts';
import packageJson from '../../package.json' with { type: 'json' };
import { coordinatorStack, deployersStack, inIsolatedSubnets, SYNTHESIS_MS } from '../constructs/stacks.ts';
import { sectionsOf } from './markdown.ts';

const PATH = 'docs/runbook.md';
const sections = sectionsOf(PATH);

describe('errors', () => {
  const ofCodes = sections.filter(({ title }) => /^LS\d/.test(title));

  test('every code has one section under its own title, in the order of the catalogue, and no other code has one', () => {
    const expected = Object.entries(CATALOGUE).map(([code, { title }]) => `${code}: ${title}`);
    expect(ofCodes.map(({ title }) => title)).toEqual(expected);
  });

  test.each(ofCodes.map(({ title, text }) => [title, text]))(
    '%s: says what it means, what is true, what to do',
    (_, text) => {
      const labels = [...text.matchAll(/^- \*\*([^*]+)\*\*:/gm)].map(([, label]) => label);
      expect(labels).toEqual(['What it means', 'The database', 'What to do']);
    },
  );

  test('codes that the text mentions exist', () => {
    const mentioned = sections.flatMap(({ text }) => text.match(/\bLS\d{3}\b/g) ?? []);
    expect(mentioned.filter((code) => !(code in CATALOGUE))).toEqual([]);
  });
});

describe('alarms', () => {
  let descriptions: string[];
  beforeAll(() => {
    const copying = coordinatorStack((stack) => ({ ...inIsolatedSubnets(stack), rehearsal: {} }));
    const alarms = [deployersStack(), copying].flatMap(({ template }) =>
      Object.values(template.findResources('AWS::CloudWatch::Alarm')),
    );
    descriptions = alarms.map(({ Properties }) => String(Properties.AlarmDescription));
  }, SYNTHESIS_MS);

  test('every alarm sends people to a section that is there, and every section about an alarm has one', () => {
    const linked = descriptions.map((text) => text.slice(text.indexOf(`${RUNBOOK}#`) + RUNBOOK.length + 1));
    const about = sections.filter(({ title }) => title.startsWith('Alarm: ')).map(({ anchor }) => anchor);
    expect([...new Set(linked)].toSorted()).toEqual(about.toSorted());
    expect(about.toSorted()).toEqual(Object.values(RunbookSection).toSorted());
  });

  test('the file that they name is in the package', () => {
    expect(RUNBOOK).toBe(`node_modules/${packageJson.name}/${PATH}`);
    expect(packageJson.files).toContain('docs');
  });
});
