/** The licences of the packages whose code is part of ours, as they ask for: one text, each licence once. */
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { BundledPackage } from './bundled-packages.ts';

/** Throws for a package without a licence. */
export function licencesOf(root: string, packages: readonly BundledPackage[]): string {
  const packagesOf = new Map<string, string[]>();
  for (const { directory, name, version, license } of packages) {
    const text = licenceText(join(root, directory), name, license);
    packagesOf.set(text, [...(packagesOf.get(text) ?? []), `${name} ${version} (${license})`]);
  }
  const line = '-'.repeat(80);
  return [...packagesOf].map(([text, names]) => [line, ...names, line, text, ''].join('\n')).join('\n');
}

function licenceText(directory: string, name: string, license: string | undefined): string {
  const [file] = globSync('{licen[cs]e,LICEN[CS]E,Licen[cs]e}{,.md,.txt,-MIT}', { cwd: directory });
  if (!file && !license) throw new Error(`${name} says nothing about its licence.`);
  return file ? readFileSync(join(directory, file), 'utf8').trim() : `Licence: ${license}`;
}
