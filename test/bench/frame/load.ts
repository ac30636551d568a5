/** The load of bare/load.mjs beside a piece of work. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';

export interface Latencies {
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly worstMs: number;
}

const SCRIPT = join(import.meta.dirname, '../bare/load.mjs');

export async function underLoad<T>(
  { url, rows, perSecond }: { readonly url: string; readonly rows: number; readonly perSecond: number },
  work: () => Promise<T>,
): Promise<{ readonly result: T; readonly latencies: Latencies }> {
  const args = [SCRIPT, url, String(rows), String(perSecond)];
  const child = spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'inherit'] });
  const ended = once(child, 'close');
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    output += chunk;
  });
  try {
    await once(child.stdout, 'data');
    const result = await work();
    child.stdin.end();
    await ended;
    const measured = JSON.parse(output.trimEnd().split('\n').at(-1)!) as number[];
    return { result, latencies: summaryOf(measured) };
  } finally {
    child.kill();
  }
}

function summaryOf(measured: readonly number[]): Latencies {
  const sorted = measured.toSorted((a, b) => a - b);
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0;
  return { p50Ms: at(0.5), p99Ms: at(0.99), worstMs: at(1) };
}
