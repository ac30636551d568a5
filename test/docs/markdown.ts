/** Markdown files of the repository, as far as the tests of the documents need them. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';

export const ROOT = join(import.meta.dirname, '..', '..');

export interface Section {
  readonly title: string;
  /** As GitHub makes it from the heading. */
  readonly anchor: string;
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

/** Code is no prose: what looks like a heading or a link in it is none. */
const withoutCode = (text: string): string =>
  text.replace(/^ *```[\s\S]*?^ *```$/gm, '').replace(/`[^`\n]*`/g, 'code');

/** Every heading with the text below it, down to the next heading of any level. */
export function sectionsOf(path: string): Section[] {
  const seen = new Map<string, number>();
  const [, ...parts] = `\n${readDocument(path).replace(/^ *```[\s\S]*?^ *```$/gm, '')}`.split(/\n#{1,6} /);
  return parts.map((part) => {
    const [title = '', ...rest] = part.split('\n');
    const slug = title
      .toLowerCase()
      .replace(/[^\p{L}\p{N}_ -]/gu, '')
      .replaceAll(' ', '-');
    const repeats = seen.get(slug) ?? 0;
    seen.set(slug, repeats + 1);
    return { title, anchor: repeats === 0 ? slug : `${slug}-${repeats}`, text: rest.join('\n') };
  });
}

/** The fenced blocks of one language, in order. */
export const codeBlocks = (path: string, language: string): string[] =>
  [...readDocument(path).matchAll(/^( *)```(\w+)\n([\s\S]*?)^\1```$/gm)]
    .filter(([, , found]) => found === language)
    .map(([, , , code]) => code ?? '');

/** Relative links that lead nowhere, as `document: link`. */
export function brokenLinks(path: string): string[] {
  const targets = [...withoutCode(readDocument(path)).matchAll(/\]\(([^)\s]+)\)/g)].map(
    ([, target]) => target ?? '',
  );
  return targets
    .filter((target) => !/^[a-z]+:/.test(target))
    .filter((target) => !leadsSomewhere(path, target))
    .map((target) => `${path}: ${target}`);
}

function leadsSomewhere(path: string, target: string): boolean {
  const [file = '', anchor] = target.split('#');
  const found = file === '' ? path : relative(ROOT, join(ROOT, dirname(path), file));
  if (!existsSync(join(ROOT, found))) return false;
  return anchor === undefined || sectionsOf(found).some((section) => section.anchor === anchor);
}
