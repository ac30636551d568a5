/**
 * Who a process id stands for. Ids are used again by the system, so an id alone is never a reason to signal a
 * process or to delete its files.
 */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync, readlinkSync } from 'node:fs';
import { hostname } from 'node:os';

const isLinux = process.platform === 'linux';

const digest = (text: string): string => createHash('sha256').update(text).digest('hex').slice(0, 8);

const ps = (pid: number, ...fields: string[]): string => {
  const columns = fields.flatMap((field) => ['-o', `${field}=`]);
  return execFileSync('ps', [...columns, '-p', String(pid)], { encoding: 'utf8' }).trim();
};

function orUndefined<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}

function stateAndStart(pid: number): { state: string; started: string } {
  if (!isLinux) return { state: ps(pid, 'state'), started: ps(pid, 'lstart') };
  // The command's name, in parentheses, may contain anything; what follows are numbered fields.
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)?.split(' ') ?? [];
  return { state: fields[0] ?? '', started: fields[19] ?? '' };
}

/**
 * A short word that is the same for one process as long as it lives; undefined when there is no such process, or
 * it has ended and only waits for its parent to notice.
 */
export function processIdentity(pid: number): string | undefined {
  const seen = orUndefined(() => stateAndStart(pid));
  return seen === undefined || seen.state.startsWith('Z') ? undefined : digest(seen.started);
}

/** The command line of a process; undefined when there is no such process. */
export function commandLine(pid: number): string | undefined {
  return orUndefined(() =>
    isLinux ? readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ') : ps(pid, 'command'),
  );
}

/** The set of processes in which ids have one meaning: this host, and on Linux this container. */
export function processNamespace(): string {
  const container = isLinux ? orUndefined(() => readlinkSync('/proc/self/ns/pid')) : undefined;
  return digest(`${hostname()} ${container ?? ''}`);
}
