/**
 * Lockstep beside other tools, and beside the least that a bare script can do: `npm run bench`.
 *
 *   npm run bench                     the default set
 *   npm run bench -- A C              only these cases; see cases/ for what each does
 *   npm run bench -- --peers none     only lockstep and the bare scripts
 *   npm run bench -- --quick          small: to see that the bench works
 *   npm run bench -- --write          the results into docs/performance.md
 *
 * Invariants: one embedded server for all; every tool as a process of its own, built or installed as its users have
 * it; contenders in turn, so that a disturbance hits all of them; medians. Absolute times are this machine's: what
 * counts is the ratios of one run. Nothing here is a test: a slow machine fails nothing.
 *
 * What can fail: the peers cannot be installed; a contender that has to work for a case to make sense does not.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { apply } from './cases/a-apply.ts';
import { nothingToDo } from './cases/b-nothing-to-do.ts';
import { instances } from './cases/c-instances.ts';
import type { Bench, BenchCase } from './frame/bench.ts';
import { buildLockstep } from './frame/built.ts';
import { writeResult } from './frame/document.ts';
import { installedPeers } from './frame/install.ts';
import { startBenchServer } from './frame/server.ts';

const CASES: Readonly<Record<string, readonly [title: string, run: BenchCase]>> = {
  A: ['Apply 1,000 small migrations', apply],
  B: ['Nothing to do, 1,000 applied', nothingToDo],
  C: ['Instances that start at once', instances],
};
const DEFAULT_CASES = ['A', 'B'];

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    peers: { type: 'string', default: 'all' },
    quick: { type: 'boolean', default: false },
    write: { type: 'boolean', default: false },
  },
});
const letters = positionals.length > 0 ? positionals.map((letter) => letter.toUpperCase()) : DEFAULT_CASES;
const unknown = letters.filter((letter) => !(letter in CASES));
if (unknown.length > 0) throw new Error(`There is no case ${unknown.join(', ')}.`);

const log = (line: string) => console.error(line);
const peers = values.peers === 'none' ? [] : installedPeers(log);
const scratch = mkdtempSync(join(tmpdir(), 'lockstep-bench-'));
const server = await startBenchServer();
try {
  log('lockstep is built');
  const dist = buildLockstep(scratch);
  const bench: Bench = { server, dist, peers, scratch, quick: values.quick, log };
  for (const letter of letters) {
    const [title, run] = CASES[letter]!;
    const result = await run(bench);
    const machine = `PostgreSQL ${server.version}, Node ${process.versions.node}, ${cpus().length} cores.`;
    console.log(`\n${letter}. ${title}\n${machine}\n\n${result}\n`);
    if (values.write) writeResult(letter, `${machine}\n\n${result}`);
  }
} finally {
  await server.stop();
  rmSync(scratch, { recursive: true });
}
