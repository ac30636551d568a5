/**
 * H: ALTER TABLE on a table of which somebody reads for long, in one transaction. The ALTER has to wait for that reader,
 * and whoever begins to read meanwhile queues behind the ALTER. For how long?
 */
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { atOnce } from '../frame/at-once.ts';
import { type Bench, folderFor } from '../frame/bench.ts';
import { lockstep } from '../frame/built.ts';
import type { BenchMigration, Contender } from '../frame/contender.ts';
import { errorIn, run, start, within } from '../frame/process.ts';
import { atMost, type CaseResult } from '../frame/result.ts';
import { median } from '../frame/rounds.ts';
import { ABSENT, seconds, table } from '../frame/table.ts';

const TABLE: BenchMigration = {
  number: 1,
  sql: 'CREATE TABLE items AS SELECT n AS id FROM generate_series(1, 1000) n;',
};
const ALTER: BenchMigration = { number: 2, sql: 'ALTER TABLE items ADD COLUMN note text;' };
/** Longer than lockstep lets a try wait, so that there is more than one. */
const LONG_READER_MS = 12_000;
const LIMIT_MS = 60_000;
/** What a try may last with the default lock_timeout, and what it takes to notice. */
const LOCK_TIMEOUT_MS = 2_000;
const NOTICED_MS = 250;
const WIDTH = 5;

interface Try {
  /** Of one reader's query; and of all of them that took longer than a moment. */
  readonly longestMs: number;
  readonly stalledMs: number;
  readonly isApplied: boolean;
  readonly problem: string | undefined;
}

export async function alter(bench: Bench): Promise<CaseResult> {
  const contenders = [lockstep(bench.dist), ...bench.peers];
  const pairs = contenders.flatMap((contender) =>
    // A peer's figure is the long reader's time: one try tells.
    Array.from({ length: contender.kind === 'lockstep' ? bench.rounds : 1 }, () => contender),
  );
  const tries = await atOnce(WIDTH, pairs, (contender) => tryOnce(bench, contender));
  const of = (contender: Contender) => tries.filter((_, index) => pairs[index] === contender);
  const longest = Math.max(...of(contenders[0]!).map(({ longestMs }) => longestMs));
  return {
    tables: table(
      ['tool', 'longest stall of a reader s', 'stalled in all s', 'applied in the end', 'what went wrong'],
      contenders.map((contender) => row(contender.name, of(contender))),
    ),
    targets: [
      atMost('H: longest stall of a reader, s', (LOCK_TIMEOUT_MS + NOTICED_MS) / 1000, longest / 1000, (s) =>
        s.toFixed(2),
      ),
    ],
  };
}

const row = (name: string, tries: readonly Try[]): string[] => [
  name,
  seconds(Math.max(...tries.map(({ longestMs }) => longestMs))),
  seconds(median(tries.map(({ stalledMs }) => stalledMs))),
  `${tries.filter(({ isApplied }) => isApplied).length} of ${tries.length}`,
  tries.find(({ problem }) => problem)?.problem ?? ABSENT,
];

async function tryOnce(bench: Bench, contender: Contender): Promise<Try> {
  bench.log(`H: ${contender.name}`);
  const { url, query } = await bench.server.newDatabase();
  await run(contender.up(folderFor(bench, contender, [TABLE]), url));
  const folder = folderFor(bench, contender, [TABLE, ALTER]);
  const longReader = new pg.Client({ connectionString: url });
  await longReader.connect();
  const readers = await readersOf(url);
  try {
    await longReader.query('BEGIN; SELECT count(*) FROM items');
    const altering = within(LIMIT_MS, start(contender.up(folder, url)));
    await sleep(LONG_READER_MS);
    await longReader.query('COMMIT');
    const ended = await altering;
    const rows = await query(
      "SELECT FROM pg_attribute WHERE attrelid = 'items'::regclass AND attname = 'note'",
    );
    const problem = ended?.exitCode === 0 ? undefined : errorIn(`${ended?.stderr}\n${ended?.stdout}`);
    return { ...(await readers.stop()), isApplied: rows.length === 1, problem };
  } finally {
    await readers.stop();
    await longReader.end();
  }
}

const READ_EVERY_MS = 20;
/** On a busy machine anything takes this long now and then. */
const MOMENT_MS = 200;

/** One reader that reads again and again, as an app does. */
async function readersOf(url: string) {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  let over = false;
  const reading = (async () => {
    const found = { longestMs: 0, stalledMs: 0 };
    while (!over) {
      const startedMs = performance.now();
      await client.query('SELECT count(*) FROM items');
      const tookMs = performance.now() - startedMs;
      found.longestMs = Math.max(found.longestMs, tookMs);
      if (tookMs > MOMENT_MS) found.stalledMs += tookMs;
      await sleep(READ_EVERY_MS);
    }
    await client.end();
    return found;
  })();
  const stop = () => {
    over = true;
    return reading;
  };
  return { stop };
}
