/** The program without one of its protections, by variants of its ports; and the invariant that breaks for that reason. */
import { LEDGER_LOCK } from '../../lib/adapters/postgres/advisory-lock.ts';
import type { Lease, LeaseStore } from '../../lib/core/lease/index.ts';
import type { Invariant } from './invariants.ts';
import { ROWS_ONLY } from './migrations.ts';
import type { LeaseItem } from './register.ts';
import type { Variant, World } from './schedule.ts';

export interface Mutant extends Variant {
  readonly name: string;
  /** What else is taken out, because it would hide that the protection is missing; alone it must not break the same. */
  readonly without?: Variant;
  /** In which it shows soon. */
  readonly worlds: Partial<World>;
  readonly breaks: Invariant;
}

const replaced = (find: RegExp, replace: string) => (message: string) => message.replace(find, replace);
const TRY = /pg_catalog\.pg_try_advisory_lock\(-?\d+\) AND pg_catalog\.pg_try_advisory_lock\(-?\d+\)/;

const BLOCKING = `pg_catalog.pg_advisory_lock(${LEDGER_LOCK}) IS NOT NULL`;
/** Who waits for the lock waits in the server. */
export const waitingInServer = replaced(TRY, `${BLOCKING} AND ${BLOCKING}`);

/** A token is minted when another holder has the lease, and all attempts of one holder have that one. */
function oneTokenPerLease(store: LeaseStore, item: LeaseItem): LeaseStore {
  return overridden(store, {
    mint: async (lease) => {
      const given = TOKENS.get(item) ?? { holder: '', token: 0 };
      const token = given.holder === lease.holder ? given.token : (await store.mint(lease)).token;
      TOKENS.set(item, { holder: lease.holder, token });
      return { ...lease, token };
    },
  });
}
const TOKENS = new WeakMap<LeaseItem, { readonly holder: string; readonly token: number }>();

const releaseDeletes = (store: LeaseStore, item: LeaseItem): LeaseStore =>
  overridden(store, {
    release: async (lease: Lease) => {
      const outcome = await store.release(lease);
      if (outcome === 'released') item.delete();
      return outcome;
    },
  });

const overridden = (store: LeaseStore, own: Partial<LeaseStore>): LeaseStore => ({
  read: (target) => store.read(target),
  tryAcquire: (request) => store.tryAcquire(request),
  mint: (lease, floor) => store.mint(lease, floor),
  renew: (lease) => store.renew(lease),
  release: (lease) => store.release(lease),
  forceRelease: (target) => store.forceRelease(target),
  ...own,
});

/** Two attempts of each run; hosts stand still for longer than a lease lasts, in the middle of long statements. */
const STANDING: Partial<World> = {
  workers: 4,
  lease: 'register',
  attemptsPerHolder: 2,
  sqlMs: 40_000,
  standstill: 0.01,
  standstillMs: 200_000,
  crash: 0,
  cut: 0,
  delayMs: 50,
};
const QUIET: Partial<World> = { lease: 'postgres', crash: 0, standstill: 0, cut: 0, poison: 'nowhere' };

export const MUTANTS: readonly Mutant[] = [
  {
    name: 'no fence',
    server: { fence: 'open', lock: 'everybody' },
    without: { server: { lock: 'everybody' } },
    set: ROWS_ONLY,
    worlds: STANDING,
    breaks: 'I4',
  },
  {
    name: 'no ledger key',
    server: { ledgerKey: 'none', fence: 'open', lock: 'everybody' },
    without: { server: { fence: 'open', lock: 'everybody' } },
    set: ROWS_ONLY,
    worlds: STANDING,
    breaks: 'I1',
  },
  {
    name: 'ledger and effect in split transactions',
    // Which finds out at the end of each migration.
    server: { transactionCheck: 'none' },
    without: { server: { transactionCheck: 'none' } },
    rewrite: replaced(/(\nINSERT INTO lockstep\.entry [^;]*;)/, '$1 COMMIT; BEGIN;'),
    worlds: { crash: 0.01 },
    breaks: 'I2',
  },
  {
    name: 'one token per lease',
    leases: oneTokenPerLease,
    server: { claim: 'as high' },
    without: { server: { claim: 'as high' } },
    worlds: STANDING,
    breaks: 'I8',
  },
  {
    name: 'blocking lock',
    rewrite: waitingInServer,
    worlds: QUIET,
    breaks: 'I6',
  },
  {
    name: 'polling inside BEGIN',
    rewrite: (message) =>
      TRY.test(message)
        ? `BEGIN; ${message}`
        : message.replace(/^SELECT pg_catalog\.pg_backend_pid\(\)/, 'COMMIT; $&'),
    worlds: QUIET,
    breaks: 'I6',
  },
  {
    // The server's answers tell that the session is another one; without that the run would go on, unprotected.
    name: 'automatic reconnect',
    reconnects: true,
    worlds: { ...STANDING, cut: 0.1, standstill: 0 },
    breaks: 'I6',
  },
  {
    name: 'sent ahead without a look at the one before',
    rewrite: replaced(/CASE WHEN EXISTS \([^)]*\) THEN (\d+) ELSE -1 END/, '$1'),
    worlds: { ...QUIET, sqlMs: 1, poison: 'COMMIT' },
    breaks: 'I5',
  },
  { name: 'release by deleting the item', leases: releaseDeletes, worlds: STANDING, breaks: 'I8' },
];
