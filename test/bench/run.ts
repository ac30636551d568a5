/**
 * Lockstep beside other tools, and beside the least that a bare script can do: `npm run bench`.
 *
 *   npm run bench                     all cases, and the results into docs/performance.md
 *   npm run bench -- A C              only these cases, printed; see cases/ for what each does
 *   npm run bench -- --rounds 3       how often each contender is measured (default 5)
 *   npm run bench -- --peers none     only lockstep and the bare scripts
 *   npm run bench -- --quick          small: to see that the bench works
 *   npm run bench -- --write          what a run of some cases found into docs/performance.md, too
 *
 * Invariants: one embedded server for all that is compared; every tool as a process of its own, built or installed as
 * its users have it; contenders in turn, so that a disturbance hits all of them; medians. Absolute times are this
 * machine's: what counts is the ratios of one run. Nothing here is a test: a target that is missed is printed as
 * missed, and only a run that breaks off exits with 1.
 *
 * What can fail: the peers cannot be installed; a contender that has to work for a case to make sense does not.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { apply } from './cases/a-apply.ts';
import { nothingToDo } from './cases/b-nothing-to-do.ts';
import { instances } from './cases/c-instances.ts';
import { concurrentIndex } from './cases/d-concurrent-index.ts';
import { crash } from './cases/e-crash.ts';
import { size } from './cases/f-size.ts';
import { backfill } from './cases/g-backfill.ts';
import { alter } from './cases/h-alter.ts';
import type { Bench, BenchCase } from './frame/bench.ts';
import { buildLockstep } from './frame/built.ts';
import { writePart } from './frame/document.ts';
import { installedPeers } from './frame/install.ts';
import { type Target, targetTable } from './frame/result.ts';
import { startBenchServer } from './frame/server.ts';
import { runDescription } from './frame/versions.ts';

interface Case {
  readonly title: string;
  readonly run: BenchCase;
}

const CASES: Readonly<Record<string, Case>> = {
  A: { title: 'Apply 1,000 small migrations', run: apply },
  B: { title: 'Nothing to do, 1,000 applied', run: nothingToDo },
  C: { title: 'Instances that start at once', run: instances },
  D: { title: 'CREATE INDEX CONCURRENTLY while a second instance waits', run: concurrentIndex },
  E: { title: 'The instance that migrates crashes', run: crash },
  F: { title: 'Size, import, first query', run: size },
  G: { title: 'A back-fill of 2 million rows beside a steady load', run: backfill },
  H: { title: 'ALTER TABLE on a table with a long reader', run: alter },
};
/** Two hundred instances at once, some of which hold a pool; the server's other settings are its defaults. */
const SETTINGS = { max_connections: 500 };
const DEFAULT_ROUNDS = '5';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    peers: { type: 'string', default: 'all' },
    rounds: { type: 'string' },
    quick: { type: 'boolean', default: false },
    write: { type: 'boolean', default: false },
  },
});
const { quick } = values;
const letters =
  positionals.length > 0 ? positionals.map((letter) => letter.toUpperCase()) : Object.keys(CASES);
const unknown = letters.filter((letter) => !(letter in CASES));
if (unknown.length > 0) throw new Error(`There is no case ${unknown.join(', ')}.`);
const rounds = Number(values.rounds ?? (quick ? '1' : DEFAULT_ROUNDS));
if (!Number.isInteger(rounds) || rounds < 1) throw new Error('--rounds is a whole number from 1 on.');
const isWhole = letters.length === Object.keys(CASES).length && values.peers !== 'none';
const writes = values.write || (isWhole && !quick);

const startedMs = performance.now();
const log = (line: string) =>
  console.error(`${((performance.now() - startedMs) / 1000).toFixed(0)} s  ${line}`);
const peers = values.peers === 'none' ? [] : installedPeers(log);
const scratch = mkdtempSync(join(tmpdir(), 'lockstep-bench-'));
try {
  log('Building lockstep.');
  await runCases({ dist: buildLockstep(scratch), peers, scratch, quick, rounds, log });
} finally {
  rmSync(scratch, { recursive: true });
}

async function runCases(common: Omit<Bench, 'server'>): Promise<void> {
  const server = await startBenchServer(SETTINGS);
  const targets: Target[] = [];
  try {
    for (const letter of letters) {
      const { title, run } = CASES[letter]!;
      const result = await run({ ...common, server });
      console.log(`\n${letter}. ${title}\n\n${result.tables}\n\n${targetTable(result.targets)}\n`);
      if (writes) writePart(letter, result.tables);
      targets.push(...result.targets);
      await server.dropDatabases();
    }
  } finally {
    await server.stop();
  }
  const minutes = (performance.now() - startedMs) / 60_000;
  const description = runDescription(server.version, rounds, minutes);
  console.log(`${description}\n\n${targetTable(targets)}`);
  if (writes && isWhole) {
    writePart('run', description);
    writePart('targets', targetTable(targets));
  }
}
