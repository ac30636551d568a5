/** What has to be true when all processes of a scenario have ended, whatever happened to them. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { World } from './world.ts';

export const Invariant = {
  once: 'each effect is there at most once',
  ledger: 'the ledger says what is there',
  fenced: 'nobody writes after a newer attempt was let in',
  order: 'migrations are applied in order',
  ends: 'every run that is not killed ends, with everything applied',
  clean: 'no lease, lock, session or run is left',
  tokens: 'tokens only grow, and each attempt has its own',
  settled: 'no index is invalid, no partition half detached, no step begun and not done',
  inert: 'a process that was replaced changes nothing when it goes on',
  unhindered: 'others are kept from work for no longer than a try may wait for its lock',
  kept: 'a holder that lives keeps its lease',
  asked: 'a process does what its files say, or says why not',
  adopted: 'a build that goes on without its holder is not begun anew',
} as const;
export type Invariant = keyof typeof Invariant;

/** A violated invariant, and what was seen. */
export interface Violation {
  readonly of: Invariant;
  readonly seen: unknown;
}

export const unless = (holds: boolean, of: Invariant, seen: unknown): Violation[] =>
  holds ? [] : [{ of, seen }];

export async function violationsIn(world: World): Promise<Violation[]> {
  const checks = [effectsAndLedger, whoWrote, tokens, settled, clean];
  const found: Violation[] = [];
  for (const check of checks) found.push(...(await check(world)));
  return found;
}

const inOrder = <T extends string | number>(values: readonly T[], may: (before: T, after: T) => boolean) =>
  values.every((value, i) => i === 0 || may(values[i - 1]!, value));

async function effectsAndLedger({ query, set }: World): Promise<Violation[]> {
  const effects = (await query<{ revision: string }>('SELECT revision FROM effects ORDER BY id')).map(
    ({ revision }) => revision,
  );
  const ledger = (
    await query<{ revision: string }>(
      `SELECT written_as AS revision FROM lockstep.entry WHERE kind = 'applied' ORDER BY id`,
    )
  ).map(({ revision }) => revision);
  const indexes = await query<{ name: string }>(
    'SELECT indexrelid::regclass::text AS name FROM pg_index WHERE indrelid = $$effects$$::regclass ORDER BY 1',
  );
  const shouldBe = ledger.filter((revision) => set.rows.includes(revision));
  const isComplete = ledger.length === set.revisions.length;
  const built = indexes.map(({ name }) => name);
  return [
    ...unless(new Set(effects).size === effects.length, 'once', effects),
    ...unless([...new Set(effects)].sort().join() === [...shouldBe].sort().join(), 'ledger', {
      ledger,
      effects,
    }),
    ...unless(!isComplete || built.join() === set.indexes.join(), 'ledger', { ledger, built }),
    ...unless(isComplete, 'ends', { ledger }),
    ...unless(inOrder(ledger, (a, b) => a < b) && inOrder(effects, (a, b) => a <= b), 'order', {
      ledger,
      effects,
    }),
  ];
}

async function whoWrote({ query }: World): Promise<Violation[]> {
  const stale = await query('SELECT * FROM effects WHERE token <> token_let_in OR pid <> pid_let_in');
  return unless(stale.length === 0, 'fenced', stale);
}

/** PostgreSQL's bigint comes as text. */
const numbers = (rows: readonly { token: string }[]) => rows.map(({ token }) => Number(token));

async function tokens({ query, leases, target }: World): Promise<Violation[]> {
  const entries = numbers(await query('SELECT token FROM lockstep.entry ORDER BY id'));
  const runs = numbers(await query('SELECT token FROM lockstep.run ORDER BY token'));
  const [fence = 0] = numbers(await query('SELECT token FROM lockstep.fence'));
  const lease = leases && ((await leases.read(target))?.token ?? 0);
  const seen = { entries, runs, fence, lease };
  const grow = inOrder(entries, (a, b) => a <= b) && Math.max(...entries, ...runs) <= fence;
  const differ = new Set(runs).size === runs.length;
  return unless(grow && differ && (lease === undefined || lease >= fence), 'tokens', seen);
}

async function settled({ query }: World): Promise<Violation[]> {
  const seen = [
    ...(await query(
      'SELECT indexrelid::regclass::text AS index FROM pg_index WHERE NOT (indisvalid AND indisready)',
    )),
    ...(await query('SELECT inhrelid::regclass::text AS partition FROM pg_inherits WHERE inhdetachpending')),
    ...(await query(`SELECT revision, step FROM lockstep.journal WHERE state = 'started'`)),
  ];
  return unless(seen.length === 0, 'settled', seen);
}

/** A server notices that a client is gone when its statement ends, or at the next look, each five seconds. */
const NOTICED_WITHIN_MS = 8_000;

async function clean({ query, leases, target }: World): Promise<Violation[]> {
  const left = async () => [
    ...(await query(
      `SELECT pid, application_name FROM pg_stat_activity
       WHERE datname = current_database() AND application_name LIKE 'lockstep%'`,
    )),
    ...(await query(
      `SELECT pid, objid AS lock FROM pg_locks WHERE locktype = 'advisory'
       AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`,
    )),
  ];
  let seen = await left();
  for (let waitedMs = 0; seen.length > 0 && waitedMs < NOTICED_WITHIN_MS; waitedMs += 100) {
    await sleep(100);
    seen = await left();
  }
  const runs = await query(`SELECT run_id FROM lockstep.run WHERE verdict = 'running'`);
  const lease = await leases?.read(target);
  return [
    ...unless(seen.length === 0, 'clean', seen),
    ...unless(runs.length === 0, 'clean', runs),
    ...unless(lease?.state !== 'HELD', 'clean', lease),
  ];
}
