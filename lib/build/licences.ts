/** The licences of the packages whose code is part of ours, as they ask for: one text, each licence once. */
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** The last one counts: a package may have packages of its own inside. */
const DIRECTORY_OF = /^(.*(?:^|\/)node_modules\/(?:@[^/]+\/)?[^/]+)\//;

/** @param files that were bundled, relative to `root`. Throws for a package without a licence. */
export function licencesOf(root: string, files: Iterable<string>): string {
  const directories = new Set([...files].flatMap((file) => DIRECTORY_OF.exec(file)?.[1] ?? []));
  const packagesOf = new Map<string, string[]>();
  for (const directory of [...directories].sort()) {
    const { name, text } = licenceOf(join(root, directory));
    packagesOf.set(text, [...(packagesOf.get(text) ?? []), name]);
  }
  const line = '-'.repeat(80);
  return [...packagesOf].map(([text, names]) => [line, ...names, line, text, ''].join('\n')).join('\n');
}

function licenceOf(directory: string): { readonly name: string; readonly text: string } {
  const { name, version, license } = JSON.parse(readFileSync(join(directory, 'package.json'), 'utf8'));
  const [file] = globSync('{licen[cs]e,LICEN[CS]E,Licen[cs]e}{,.md,.txt,-MIT}', { cwd: directory });
  if (!file && !license) throw new Error(`${name} says nothing about its licence.`);
  const text = file ? readFileSync(join(directory, file), 'utf8').trim() : `Licence: ${license}`;
  return { name: `${name} ${version} (${license})`, text };
}
