import { readFileSync } from 'node:fs';

/** Put in by the build; absent when the sources run as they are. */
declare const LOCKSTEP_VERSION: string | undefined;

export function ownVersion(): string {
  if (typeof LOCKSTEP_VERSION === 'string') return LOCKSTEP_VERSION;
  const manifest = readFileSync(new URL('../../../package.json', import.meta.url), 'utf8');
  return (JSON.parse(manifest) as { version: string }).version;
}
