/** Processes of one group, by the id of the group. */
import { readdirSync, readFileSync } from 'node:fs';

export function tellGroup(id: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-id, signal);
  } catch {
    // Nobody is left, or nobody whom this process may signal.
  }
}

/** One that has ended, and whose parent has not asked for its end, does not count: in a container it may stay for ever. */
export function anyAlive(id: number): boolean {
  try {
    process.kill(-id, 0);
  } catch {
    return false;
  }
  return process.platform !== 'linux' || readdirSync('/proc').some((name) => isLiveMember(name, id));
}

function isLiveMember(name: string, group: number): boolean {
  if (!/^\d+$/.test(name)) return false;
  try {
    // The program's name, in parentheses, may contain anything; what follows are state, parent and group.
    const fields = readFileSync(`/proc/${name}/stat`, 'utf8').split(') ').at(-1)?.split(' ') ?? [];
    return Number(fields[2]) === group && !['Z', 'X'].includes(fields[0] ?? '');
  } catch {
    return false;
  }
}
