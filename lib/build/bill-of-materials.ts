/**
 * A software bill of materials of what is bundled, which no scanner of an installed package finds: there is no
 * node_modules. CycloneDX 1.5 (https://cyclonedx.org/docs/1.5/json/), without time and serial number, so that the same
 * sources give the same file.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { BundledPackage } from './bundled-packages.ts';

interface Locked {
  readonly integrity?: string;
}

/** Throws for a package that the lock file does not know with its hash. */
export function billOfMaterials(root: string, packages: readonly BundledPackage[]): object {
  const { packages: locked } = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')) as {
    packages: Readonly<Record<string, Locked>>;
  };
  const { name, version, license } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  return {
    $schema: 'http://cyclonedx.org/schema/bom-1.5.schema.json',
    bomFormat: 'CycloneDX',
    specVersion: '1.5',
    version: 1,
    metadata: { component: component({ name, version, license }) },
    components: packages.map((each) => ({
      ...component(each),
      // The folder of packages may be a link to one elsewhere.
      hashes: [sha512Of(each, locked[each.directory.replace(/^.*?(?=node_modules\/)/, '')]?.integrity)],
    })),
  };
}

const component = ({ name, version, license }: Omit<BundledPackage, 'directory'>) => ({
  'bom-ref': `${name}@${version}`,
  type: 'library',
  name,
  version,
  purl: `pkg:npm/${name.replace('@', '%40')}@${version}`,
  licenses: [{ expression: license }],
});

/** https://www.w3.org/TR/SRI/#the-integrity-attribute */
function sha512Of({ directory }: BundledPackage, integrity = ''): object {
  const [, base64] = /^sha512-(\S+)$/.exec(integrity) ?? [];
  if (base64 === undefined) throw new Error(`The lock file has no hash of ${directory}.`);
  return { alg: 'SHA-512', content: Buffer.from(base64, 'base64').toString('hex') };
}
