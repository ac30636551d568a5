/**
 * Lockstep beside other tools, and beside the least that a bare script can do: `npm run bench`.
 *
 *   npm run bench                     the default set
 *   npm run bench -- A C              only these cases; see cases/ for what each does
 *   npm run bench -- --peers none     only lockstep and the bare scripts
 *   npm run bench -- --quick          small: to see that the bench works
 *   npm run bench -- --write          the results into docs/performance.md
 *
 * Invariants: one embedded server for all that is compared; every tool as a process of its own, built or installed as its users have
 * it; contenders in turn, so that a disturbance hits all of them; medians. Absolute times are this machine's: what
 * counts is the ratios of one run. Nothing here is a test: a slow machine fails nothing.
 *
 * What can fail: the peers cannot be installed; a contender that has to work for a case to make sense does not.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { ServerSettings } from '../../lib/local/postgres-process.ts';
import { apply } from './cases/a-apply.ts';
import { nothingToDo } from './cases/b-nothing-to-do.ts';
import { instances } from './cases/c-instances.ts';
import { concurrentIndex } from './cases/d-concurrent-index.ts';
import { crash } from './cases/e-crash.ts';
import { size } from './cases/f-size.ts';
import type { Bench, BenchCase } from './frame/bench.ts';
import { buildLockstep } from './frame/built.ts';
import { writeResult } from './frame/document.ts';
import { installedPeers } from './frame/install.ts';
import { startBenchServer } from './frame/server.ts';

interface Case {
  readonly title: string;
  readonly run: BenchCase;
  /** Of the server, where its defaults do not do. */
  readonly settings?: ServerSettings;
}

const CASES: Readonly<Record<string, Case>> = {
  A: { title: 'Apply 1,000 small migrations', run: apply },
  B: { title: 'Nothing to do, 1,000 applied', run: nothingToDo },
  // Two hundred instances, some of which hold a pool.
  C: { title: 'Instances that start at once', run: instances, settings: { max_connections: 500 } },
  D: { title: 'CREATE INDEX CONCURRENTLY while a second instance waits', run: concurrentIndex },
  E: { title: 'The instance that migrates crashes', run: crash },
  F: { title: 'Size and import', run: size },
};
const DEFAULT_CASES = ['A', 'B', 'F'];

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
try {
  log('Building lockstep.');
  const common = { dist: buildLockstep(scratch), peers, scratch, quick: values.quick, log };
  for (const letter of letters) await runCase(letter, common);
} finally {
  rmSync(scratch, { recursive: true });
}

async function runCase(letter: string, common: Omit<Bench, 'server'>): Promise<void> {
  const { title, run, settings = {} } = CASES[letter]!;
  const server = await startBenchServer(settings);
  try {
    const result = await run({ ...common, server });
    const machine = `PostgreSQL ${server.version}, Node ${process.versions.node}, ${cpus().length} cores.`;
    console.log(`\n${letter}. ${title}\n${machine}\n\n${result}\n`);
    if (values.write) writeResult(letter, `${machine}\n\n${result}`);
  } finally {
    await server.stop();
  }
}
