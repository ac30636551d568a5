/** The packages whose code is part of ours. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

export interface BundledPackage {
  /** Relative to the root: `node_modules/pg`. */
  readonly directory: string;
  readonly name: string;
  readonly version: string;
  /** As its package.json says it: an SPDX expression. */
  readonly license: string | undefined;
}

/** The last one counts: a package may have packages of its own inside. */
const DIRECTORY_OF = /^(.*(?:^|\/)node_modules\/(?:@[^/]+\/)?[^/]+)\//;

/** Each once, by its directory. @param files that were bundled, relative to `root`. */
export function bundledPackages(root: string, files: Iterable<string>): BundledPackage[] {
  const directories = new Set([...files].flatMap((file) => DIRECTORY_OF.exec(file)?.[1] ?? []));
  return [...directories].sort().map((directory) => {
    const { name, version, license } = JSON.parse(
      readFileSync(join(root, directory, 'package.json'), 'utf8'),
    );
    return { directory, name, version, license };
  });
}
