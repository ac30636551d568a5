/** The peers have a package of their own, which nobody but the bench installs. */
import { execSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Contender } from './contender.ts';
import { PEERS, peers } from './peers.ts';

export function installedPeers(log: (line: string) => void): readonly Contender[] {
  if (!existsSync(join(PEERS, 'node_modules/.package-lock.json'))) {
    log(`Installing the other tools in ${PEERS} (npm ci); --peers none does without them.`);
    execSync('npm ci', { cwd: PEERS, stdio: ['ignore', 'inherit', 'inherit'] });
  }
  return peers();
}
