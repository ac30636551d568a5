/** The migrations of a run: those that are deployed with the functions, or those that its input names in S3. */
import { readFile } from 'node:fs/promises';
import { LockstepError, NOTHING_CHANGED } from '../../lib/core/errors/index.ts';
import { readBundle } from '../../lib/core/plan/bundle.ts';
import type { Bundle, MigrationSource } from '../../lib/core/plan/index.ts';
import type { BundleAddress } from '../../lib/core/published/index.ts';
import type { SettingName, Settings } from './settings.ts';

export const BUNDLE_SETTINGS = ['bundlePath', 'bundles'] as const satisfies SettingName[];
type BundleSettings = Settings<(typeof BUNDLE_SETTINGS)[number]>;

/** @param address of the run's input. Throws LS209; of one in S3 LS214 to LS219, LS730 to LS732. */
export async function loadBundle(
  settings: BundleSettings,
  address: BundleAddress | null | undefined,
): Promise<Bundle> {
  if (!address) return deployedBundle(settings.bundlePath);
  const { publishedBundle } = await import('./published-bundle.ts');
  return publishedBundle(address, settings.bundles);
}

/** The same of an input that nobody has looked at yet. Throws LS102, too. */
export async function loadAnyBundle(settings: BundleSettings, address: unknown): Promise<Bundle> {
  if (address === undefined || address === null) return deployedBundle(settings.bundlePath);
  const { readAddress } = await import('./published-bundle.ts');
  return loadBundle(settings, readAddress(address));
}

async function deployedBundle(path: string): Promise<Bundle> {
  const text = await readFile(path, 'utf8').catch((cause: unknown) => {
    throw new LockstepError('LS209', {
      what: `The bundle ${path} cannot be read.`,
      state: NOTHING_CHANGED,
      remedy: 'Deploy the stack again: the bundle is part of it.',
      cause,
    });
  });
  return readBundle(text);
}

/** In place of a bundle that cannot be read, where only the ledger matters. */
export const NO_MIGRATIONS: MigrationSource = {
  catalog: [],
  repeatables: [],
  digest: '',
  load: async () => [],
  loadRepeatables: async () => [],
};
