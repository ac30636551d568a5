/** Which processes a process has started, without any tool that a slim machine may lack. */
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { processIdentity } from '../../lib/local/process-identity.ts';

function parents(): Map<number, number> {
  if (process.platform === 'linux') {
    const pids = readdirSync('/proc').map(Number).filter(Boolean);
    return new Map(pids.map((pid) => [pid, parentOf(pid)]));
  }
  const lines = execFileSync('ps', ['-A', '-o', 'pid=,ppid='], { encoding: 'utf8' }).trim().split('\n');
  return new Map(lines.map((line) => line.trim().split(/\s+/).map(Number) as [number, number]));
}

function parentOf(pid: number): number {
  try {
    return Number(readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)?.split(' ')[1]);
  } catch {
    return 0;
  }
}

/** Pids of the children, their children and so on. */
export function descendantsOf(pid: number): number[] {
  const byParent = Map.groupBy(parents(), ([, parent]) => parent);
  const below = (of: number): number[] =>
    (byParent.get(of) ?? []).flatMap(([child]) => [child, ...below(child)]);
  return below(pid);
}

export const isAlive = (pid: number): boolean => processIdentity(pid) !== undefined;
