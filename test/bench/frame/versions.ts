/** What was compared, for the document: versions as they are installed. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { onPath } from './limits.ts';
import { PEERS } from './peers.ts';

export function runDescription(serverVersion: string, rounds: number, minutes: number): string {
  const machine = `PostgreSQL ${serverVersion}, Node ${process.versions.node}, ${cpus().length} cores of ${cpus()[0]?.model.trim() ?? 'unknown make'}`;
  return `${machine}; ${rounds} rounds, ${minutes.toFixed(0)} minutes. psql: ${psqlVersion()}. Peers: ${peerVersions().join(', ')}.`;
}

function psqlVersion(): string {
  const psql = onPath('psql');
  return psql ? execFileSync(psql, ['--version'], { encoding: 'utf8' }).trim() : 'not installed, left out';
}

function peerVersions(): string[] {
  const { packages } = JSON.parse(readFileSync(join(PEERS, 'package-lock.json'), 'utf8'));
  const { dependencies, optionalDependencies } = packages[''];
  return Object.keys({ ...dependencies, ...optionalDependencies }).map((name) => {
    const { version } = packages[`node_modules/${name}`];
    return `${name.startsWith('@dbmate/') ? 'dbmate' : name} ${version}`;
  });
}
