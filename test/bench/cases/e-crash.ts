/** E: the instance that migrates is killed, or frozen; then the next one is started. How long until it is done? */
import { type Bench, folderFor } from '../frame/bench.ts';
import { lockstep } from '../frame/built.ts';
import type { BenchMigration, Contender } from '../frame/contender.ts';
import { createEffects, effect, effectsOf, ONCE } from '../frame/effects.ts';
import { errorIn, type Running, run, start, within } from '../frame/process.ts';
import { median } from '../frame/rounds.ts';
import { ABSENT, seconds, table } from '../frame/table.ts';
import { becomesTrue, NOTHING_RUNS, RUNS } from '../frame/watch.ts';

const LEASE_S = 10;
/** After it, a tool counts as one that waits for ever. */
const LIMIT_MS = 30_000;

/** The table says how long the statement takes, so that it is short when it is run again. */
const CREATE: BenchMigration = {
  number: 1,
  sql: `${createEffects.sql} CREATE TABLE pause (s float8 NOT NULL); INSERT INTO pause VALUES (0);`,
};
const STEPS = [effect(2, 'pg_sleep(0)'), effect(3, 'pause, pg_sleep(s)'), effect(4, 'pg_sleep(0)')];

interface Fault {
  readonly title: string;
  readonly statementS: number;
  strike(url: string, holder: Running): Promise<void>;
  /** What was frozen goes on. */
  readonly continues: boolean;
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
  },
  {
    title: 'SIGKILL while its session is idle',
    statementS: 1,
    strike: async (url, holder) => {
      await frozenWhenIdle(url, holder);
      holder.child.kill('SIGKILL');
    },
    continues: false,
  },
  {
    title: `SIGSTOP while its session is idle (lockstep: --lease-duration ${LEASE_S}s)`,
    statementS: 1,
    strike: frozenWhenIdle,
    continues: true,
  },
];

interface Try {
  /** Undefined when the next run failed or took too long. */
  readonly doneMs: number | undefined;
  readonly effects: string;
  readonly problem: string | undefined;
}

export async function crash(bench: Bench): Promise<string> {
  const sections: string[] = [];
  for (const fault of FAULTS) sections.push(`**${fault.title}**\n\n${await compare(bench, fault)}`);
  return sections.join('\n\n');
}

async function compare(bench: Bench, fault: Fault): Promise<string> {
  const rows: string[][] = [];
  const own = lockstep(bench.dist, '--lease-duration', `${LEASE_S}s`);
  for (const contender of [own, ...bench.peers]) {
    const tries: Try[] = [];
    // A peer's figure is seconds or for ever: one try tells.
    const count = contender.kind === 'lockstep' && !bench.quick ? 5 : 1;
    while (tries.length < count) {
      bench.log(`E: ${fault.title}: ${contender.name}, try ${tries.length + 1} of ${count}`);
      tries.push(await tryOnce(bench, contender, fault));
    }
    rows.push(row(contender.name, tries));
  }
  return table(['tool', 'next run done after s', 'longest', 'bodies ran', 'what went wrong'], rows);
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
