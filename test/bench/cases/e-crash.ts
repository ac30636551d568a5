/** E: the instance that migrates is killed, or frozen; then the next one is started. How long until it is done? */
import { CLIENT_CHECK_INTERVAL_S } from '../../../lib/adapters/postgres/session-settings.ts';
import { atOnce } from '../frame/at-once.ts';
import { type Bench, folderFor } from '../frame/bench.ts';
import { lockstep } from '../frame/built.ts';
import type { BenchMigration, Contender } from '../frame/contender.ts';
import { createEffects, effect, effectsOf, ONCE } from '../frame/effects.ts';
import { errorIn, type Running, run, start, within } from '../frame/process.ts';
import { atMost, type CaseResult, type Target } from '../frame/result.ts';
import { median } from '../frame/rounds.ts';
import { ABSENT, seconds, table } from '../frame/table.ts';
import { becomesTrue, NOTHING_RUNS, RUNS } from '../frame/watch.ts';

const LEASE_S = 10;
/** How often the server looks whether the client of a running statement is still there. */
const CHECK_INTERVAL_MS = 1_000 * CLIENT_CHECK_INTERVAL_S;
/** After it, a tool counts as one that waits for ever. */
const LIMIT_MS = 30_000;

/** The table says how long the statement takes, so that it is short when it is run again. */
const CREATE: BenchMigration = {
  number: 1,
  sql: `${createEffects.sql} CREATE TABLE pause (s float8 NOT NULL); INSERT INTO pause VALUES (0);`,
};
/** Lockstep has sent one ahead when it is frozen; that its lease has to be taken over, something must be left after it. */
const STEPS = [2, 3, 4, 5, 6].map((n) => effect(n, n === 3 ? 'pause, pg_sleep(s)' : 'pg_sleep(0)'));

interface Fault {
  readonly title: string;
  readonly statementS: number;
  strike(url: string, holder: Running): Promise<void>;
  /** What was frozen goes on. */
  readonly continues: boolean;
  /** For the next run to be done. */
  readonly target: { readonly what: string; readonly limitMs: number };
}

const frozenWhenIdle = async (url: string, { child }: Running): Promise<void> => {
  child.kill('SIGSTOP');
  await becomesTrue(url, NOTHING_RUNS);
};

const FAULTS: readonly Fault[] = [
  {
    title: 'SIGKILL in the middle of a statement of 20 s',
    statementS: 20,
    strike: async (_, { child }) => void child.kill('SIGKILL'),
    continues: false,
    target: { what: 'E: after SIGKILL in a statement, longest, s', limitMs: CHECK_INTERVAL_MS + 2_000 },
  },
  {
    title: 'SIGKILL while its session is idle',
    statementS: 1,
    strike: async (url, holder) => {
      await frozenWhenIdle(url, holder);
      holder.child.kill('SIGKILL');
    },
    continues: false,
    target: { what: 'E: after SIGKILL of an idle one, longest, s', limitMs: 1_000 },
  },
  {
    title: `SIGSTOP while its session is idle (lockstep: --lease-duration ${LEASE_S}s)`,
    statementS: 1,
    strike: frozenWhenIdle,
    continues: true,
    target: { what: 'E: after SIGSTOP, longest, s', limitMs: 1_000 * LEASE_S + 10_000 },
  },
];

interface Try {
  /** Undefined when the next run failed or took too long. */
  readonly doneMs: number | undefined;
  readonly effects: string;
  readonly problem: string | undefined;
}

/** All of it is waiting. */
const WIDTH = 6;

export async function crash(bench: Bench): Promise<CaseResult> {
  const own = lockstep(bench.dist, '--lease-duration', `${LEASE_S}s`);
  const contenders = [own, ...bench.peers];
  // A peer's figure is seconds or for ever: one try tells.
  const countOf = ({ kind }: Contender) => (kind === 'lockstep' ? bench.rounds : 1);
  const all = FAULTS.flatMap((fault) =>
    contenders.flatMap((contender) =>
      Array.from({ length: countOf(contender) }, () => ({ fault, contender })),
    ),
  );
  const tries = await atOnce(WIDTH, all, ({ fault, contender }) => {
    bench.log(`E: ${fault.title}: ${contender.name}`);
    return tryOnce(bench, contender, fault);
  });
  const of = (fault: Fault, contender: Contender) =>
    tries.filter((_, i) => all[i]!.fault === fault && all[i]!.contender === contender);
  const sections = FAULTS.map((fault) => {
    const rows = contenders.map((contender) => row(contender.name, of(fault, contender)));
    return `**${fault.title}**\n\n${table(HEADER, rows)}`;
  });
  return {
    tables: sections.join('\n\n'),
    targets: FAULTS.map((fault) => targetOf(fault, of(fault, own))),
  };
}

const HEADER = ['tool', 'next run done after s', 'longest', 'bodies ran', 'what went wrong'];

/** A body that ran twice, or one that never came to its end, meets nothing. */
function targetOf({ target }: Fault, tries: readonly Try[]): Target {
  const isFine = tries.every(({ doneMs, effects }) => doneMs !== undefined && effects === ONCE);
  const longestMs = isFine ? Math.max(...tries.map(({ doneMs }) => doneMs!)) : undefined;
  return atMost(target.what, target.limitMs, longestMs, seconds);
}

function row(name: string, tries: readonly Try[]): string[] {
  const done = tries.flatMap(({ doneMs }) => doneMs ?? []);
  const all = done.length === tries.length;
  return [
    name,
    all ? seconds(median(done)) : ABSENT,
    all ? seconds(Math.max(...done)) : ABSENT,
    tries.find(({ effects }) => effects !== ONCE)?.effects ?? ONCE,
    tries.find(({ problem }) => problem)?.problem ?? ABSENT,
  ];
}

async function tryOnce(bench: Bench, contender: Contender, fault: Fault): Promise<Try> {
  const database = await bench.server.newDatabase();
  const { url } = database;
  await run(contender.up(folderFor(bench, contender, [CREATE]), url));
  await database.query(`UPDATE pause SET s = ${fault.statementS}`);
  const folder = folderFor(bench, contender, [CREATE, ...STEPS]);
  const holder = start(contender.up(folder, url));
  await becomesTrue(url, RUNS('pg_sleep(s)'));
  await fault.strike(url, holder);
  await database.query('UPDATE pause SET s = 0');
  const next = await within(LIMIT_MS, start(contender.up(folder, url)));
  if (fault.continues) await continued(holder);
  else await holder.ended;
  // The statement of a killed client may go on, and what it did is committed.
  await becomesTrue(url, NOTHING_RUNS);
  const isDone = next?.exitCode === 0;
  return {
    doneMs: isDone ? next.durationMs : undefined,
    effects: await effectsOf(database, STEPS),
    problem: next === undefined ? FOR_EVER : isDone ? undefined : errorIn(`${next.stderr}\n${next.stdout}`),
  };
}

const FOR_EVER = `not done after ${LIMIT_MS / 1000} s`;

/** What it then does shows in the effects. */
async function continued(holder: Running): Promise<void> {
  holder.child.kill('SIGCONT');
  await within(LIMIT_MS, holder);
  await holder.ended;
}
