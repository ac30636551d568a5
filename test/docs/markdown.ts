/** Markdown files of the repository, as far as the tests of the documents need them. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';

const ROOT = join(import.meta.dirname, '..', '..');

export interface Section {
  readonly title: string;
  /** As GitHub makes it from the heading. */
  readonly anchor: string;
  /** Down to the next heading of any level, without fenced code. */
  readonly text: string;
}

/** Documents that the repository publishes, by path from its root. */
export function documents(): string[] {
  const inFolders = ['docs', 'examples'].flatMap((folder) =>
    readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' }).map((name) => join(folder, name)),
  );
  return [...readdirSync(ROOT), ...inFolders].filter((name) => name.endsWith('.md'));
}

export const readDocument = (path: string): string => readFileSync(join(ROOT, path), 'utf8');

const FENCED = /^( *)```(\w*)\n([\s\S]*?)^\1```$/gm;

/** What looks like a heading or a link in code is none. */
const withoutFencedCode = (path: string): string => readDocument(path).replaceAll(FENCED, '');

export function sectionsOf(path: string): Section[] {
  const seen = new Map<string, number>();
  const [, ...parts] = `\n${withoutFencedCode(path)}`.split(/\n#{1,6} /);
  return parts.map((part) => {
    const [title = '', ...rest] = part.split('\n');
    const slug = title
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}_ -]/gu, '')
      .replaceAll(' ', '-');
    const repeats = seen.get(slug) ?? 0;
    seen.set(slug, repeats + 1);
    return { title, anchor: repeats === 0 ? slug : `${slug}-${repeats}`, text: rest.join('\n') };
  });
}

/** The fenced blocks of one language, in order. */
export const codeBlocks = (path: string, language: string): string[] =>
  [...readDocument(path).matchAll(FENCED)]
    .filter(([, , found]) => found === language)
    .map(([, , , code]) => code ?? '');

/** Relative links that lead nowhere, as `document: link`. */
export function brokenLinks(path: string): string[] {
  const prose = withoutFencedCode(path).replaceAll(/`[^`\n]*`/g, 'code');
  return [...prose.matchAll(/\]\(([^)\s]+)\)/g)]
    .map(([, target]) => target ?? '')
    .filter((target) => !/^[a-z]+:/.test(target) && !leadsSomewhere(path, target))
    .map((target) => `${path}: ${target}`);
}

function leadsSomewhere(path: string, target: string): boolean {
  const [file = '', anchor] = target.split('#');
  const found = file === '' ? path : relative(ROOT, join(ROOT, dirname(path), file));
  if (!existsSync(join(ROOT, found))) return false;
  return anchor === undefined || sectionsOf(found).some((section) => section.anchor === anchor);
}
