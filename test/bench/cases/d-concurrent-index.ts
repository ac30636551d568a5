/**
 * D: CREATE INDEX CONCURRENTLY while a second instance waits for its turn. The build waits for every transaction that
 * is older than it; one that waits for the lock inside a statement is such a transaction: a deadlock.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { atOnce } from '../frame/at-once.ts';
import { type Bench, folderFor } from '../frame/bench.ts';
import { lockstep } from '../frame/built.ts';
import type { BenchMigration, Contender } from '../frame/contender.ts';
import { type Ended, errorIn, run, start, within } from '../frame/process.ts';
import { atLeast, type CaseResult } from '../frame/result.ts';
import type { BenchDatabase } from '../frame/server.ts';
import { ABSENT, table } from '../frame/table.ts';
import { becomesTrue, RUNS } from '../frame/watch.ts';

const TABLE: BenchMigration = {
  number: 1,
  sql: 'CREATE TABLE items AS SELECT n AS id, n % 97 AS kind FROM generate_series(1, 20000) n;',
};
const INDEX: BenchMigration = {
  number: 2,
  sql: 'CREATE INDEX CONCURRENTLY items_kind ON items (kind);',
  outsideTransaction: true,
};
/**
 * For so long a transaction that writes holds up the build. The second instance has waited for longer than
 * deadlock_timeout (1 s) by then: of two that wait for each other, the one that began last looks for a deadlock.
 */
const HELD_UP_MS = 2_500;
const LIMIT_MS = 20_000;

interface Try {
  readonly isFine: boolean;
  readonly isValid: boolean;
  readonly problems: readonly string[];
  readonly fineAfterRerun: boolean;
}

interface Folders {
  readonly first: string;
  readonly all: string;
}

/** A build waits for transactions of its own database only, so that several go on side by side. */
const WIDTH = 4;
const TRIES = 20;
const TRIES_OF_PEERS = 3;

export async function concurrentIndex(bench: Bench): Promise<CaseResult> {
  const contenders = [lockstep(bench.dist), ...bench.peers];
  const pairs = contenders.flatMap((contender) => {
    const first = folderFor(bench, contender, [TABLE]);
    const all = folderFor(bench, contender, [TABLE, INDEX]);
    const count = bench.quick ? 1 : contender.kind === 'lockstep' ? TRIES : TRIES_OF_PEERS;
    return Array.from({ length: count }, () => ({ contender, first, all }));
  });
  const tries = await atOnce(WIDTH, pairs, ({ contender, ...folders }) => {
    bench.log(`D: ${contender.name}`);
    return tryOnce(bench, contender, folders);
  });
  const of = (contender: Contender) => tries.filter((_, index) => pairs[index]!.contender === contender);
  const own = of(contenders[0]!);
  const fine = own.filter(({ isFine, isValid }) => isFine && isValid).length;
  return {
    tables: table(
      ['tool', 'both fine', 'index valid', 'valid after a re-run', 'what went wrong'],
      contenders.map((contender) => row(contender.name, of(contender))),
    ),
    targets: [
      atLeast('D: both instances fine and the index valid', own.length, fine, (n) => `${n} of ${own.length}`),
    ],
  };
}

function row(name: string, tries: readonly Try[]): string[] {
  const share = (is: (each: Try) => boolean) => `${tries.filter(is).length} of ${tries.length}`;
  const problems = [...new Set(tries.flatMap((each) => each.problems))];
  return [
    name,
    share((each) => each.isFine),
    share((each) => each.isValid),
    share((each) => each.fineAfterRerun),
    problems.slice(0, 2).join('; ') || ABSENT,
  ];
}

async function tryOnce(bench: Bench, contender: Contender, { first, all }: Folders): Promise<Try> {
  const database = await bench.server.newDatabase();
  const { url } = database;
  await run(contender.up(first, url));
  const both = await raceForIndex(contender, all, url);
  const problems = both.flatMap(problemOf);
  const isValid = await indexIsValid(database);
  const again = await within(LIMIT_MS, start(contender.up(all, url)));
  const fineAfterRerun = again?.exitCode === 0 && (await indexIsValid(database));
  return { isFine: problems.length === 0, isValid, problems, fineAfterRerun };
}

/** Both instances, with the second one started when the first one is building. */
async function raceForIndex(contender: Contender, folder: string, url: string) {
  const writer = new pg.Client({ connectionString: url });
  await writer.connect();
  try {
    await writer.query('BEGIN; LOCK TABLE items IN ROW EXCLUSIVE MODE');
    const builder = start(contender.up(folder, url));
    const over = new AbortController();
    void builder.ended.then(() => over.abort());
    await becomesTrue(url, RUNS('CREATE INDEX CONCURRENTLY'), over.signal);
    const second = start(contender.up(folder, url));
    await sleep(HELD_UP_MS);
    await writer.query('COMMIT');
    return await Promise.all([within(LIMIT_MS, builder), within(LIMIT_MS, second)]);
  } finally {
    await writer.end();
  }
}

function problemOf(ended: Ended | undefined): string[] {
  if (ended === undefined) return [`hangs for ${LIMIT_MS / 1000} s`];
  return ended.exitCode === 0 ? [] : [errorIn(`${ended.stderr}\n${ended.stdout}`)];
}

async function indexIsValid({ query }: BenchDatabase): Promise<boolean> {
  const rows = await query<{ valid: boolean }>(
    `SELECT indisvalid AS valid FROM pg_index WHERE indrelid = 'items'::regclass`,
  );
  return rows.length === 1 && rows[0]!.valid;
}
