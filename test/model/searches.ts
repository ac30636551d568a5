/** What is searched: the models as they are, within bounds; and without one protection each, which has to be found. */
import type { Search } from './spin.ts';

export interface Whole extends Search {
  readonly name: string;
  /** For people. */
  readonly bounds: string;
}

const PROTOCOL = { WORKERS: 3, MIGRATIONS: 3, CRASHES: 1, TAKEOVERS: 1 };
const THREE = '3 workers, 3 migrations (the 2nd an index build)';

/** Each of these has to be exhausted without a violation. */
export const WHOLE: readonly Whole[] = [
  {
    name: 'the protocol',
    model: 'protocol',
    defines: { ...PROTOCOL, CRASHES: 2 },
    bounds: `${THREE}, 2 crashes, 1 lease taken from the living`,
  },
  {
    name: 'the lease in PostgreSQL',
    model: 'protocol',
    defines: { ...PROTOCOL, LEASE_IN_POSTGRES: true },
    bounds: `${THREE}, 1 crash, 1 lease taken from the living`,
  },
  {
    name: 'two attempts of one execution, and another run',
    model: 'protocol',
    defines: { ...PROTOCOL, SHARED: true },
    bounds: `${THREE}, 1 crash, 1 lease taken from the living`,
  },
  {
    name: 'cut connections and lost replies',
    model: 'protocol',
    defines: { ...PROTOCOL, WORKERS: 2, CUTS: 1, LOSSES: 1 },
    bounds: '2 workers, 3 migrations, 1 crash, 1 cut, 1 lost reply, 1 lease taken from the living',
  },
  {
    name: 'the lease in PostgreSQL, cut connections',
    model: 'protocol',
    defines: { ...PROTOCOL, WORKERS: 2, CUTS: 1, LEASE_IN_POSTGRES: true },
    bounds: '2 workers, 3 migrations, 1 crash, 1 cut, 1 lease taken from the living',
  },
  {
    name: 'released by force',
    model: 'protocol',
    defines: { ...PROTOCOL, WORKERS: 2, FORCED: 1 },
    bounds: '2 workers, 3 migrations, 1 crash, 1 release by force, 1 lease taken from the living',
  },
  {
    name: 'every execution ends',
    model: 'protocol',
    defines: { ...PROTOCOL, WORKERS: 2, LOSSES: 1 },
    looksForCycles: true,
    bounds:
      '2 workers, 3 migrations, 1 crash, 1 lost reply, 1 lease taken from the living; no cycle in any execution',
  },
  {
    name: 'the lease, with time',
    model: 'lease',
    defines: { WORKERS: 3, CRASHES: 1, FREEZES: 1, LOSSES: 1 },
    bounds: '3 workers, a lease of 3 steps of time, 1 crash, 1 stand-still, 1 lost request or reply',
  },
];

export interface ModelMutant extends Search {
  readonly name: string;
  /** Begins the name of the property that has to be violated. */
  readonly violates: string;
  /** What else is taken out, because it would hide that the protection is missing; alone it must not violate the same. */
  readonly without?: Readonly<Record<string, true>>;
}

const SMALL = { WORKERS: 2, MIGRATIONS: 2, CRASHES: 1, TAKEOVERS: 1 };
const NO_INDEX = { INDEX: SMALL.MIGRATIONS };
const IN_POSTGRES = { ...SMALL, LEASE_IN_POSTGRES: true } as const;
const LEASE = { WORKERS: 2, CRASHES: 1, FREEZES: 1, LOSSES: 1 };

const inProtocol = (defines: Search['defines']) =>
  ({ model: 'protocol', defines: { ...SMALL, ...defines } }) as const;

export const MODEL_MUTANTS: readonly ModelMutant[] = [
  { name: 'no fence', ...inProtocol({ NO_FENCE: true }), violates: 'I4' },
  {
    name: 'no key of the ledger',
    ...inProtocol({ NO_KEY: true, ...NO_INDEX }),
    without: { NO_FENCE: true, NO_LOCK: true },
    violates: 'I1',
  },
  { name: 'no advisory lock', ...inProtocol({ NO_LOCK: true }), violates: 'I4' },
  { name: 'ledger row and effect in two transactions', ...inProtocol({ SPLIT: true }), violates: 'I2' },
  {
    name: 'one token per lease, and a repeated attempt is not let in',
    ...inProtocol({ ONE_TOKEN: true, SHARED: true }),
    violates: 'I6',
  },
  {
    name: 'one token per lease, and both attempts are let in',
    ...inProtocol({ ...NO_INDEX, SHARED: true, ONE_TOKEN: true, CLAIM_AS_HIGH: true }),
    without: { NO_LOCK: true },
    violates: 'I4',
  },
  {
    name: 'a time of expiry, read by a clock that is fast',
    model: 'lease',
    defines: { ...LEASE, EXPIRY: true },
    violates: 'K',
  },
  {
    name: 'taken over without being watched',
    model: 'lease',
    defines: { ...LEASE, NO_WATCH: true },
    violates: 'K',
  },
  {
    name: 'a holder trusts its lease until somebody refuses',
    model: 'lease',
    defines: { ...LEASE, TRUST_FOR_EVER: true },
    violates: 'K',
  },
  {
    name: 'who waits for the lock waits in the server',
    model: 'protocol',
    defines: { ...IN_POSTGRES, WAIT_IN_SERVER: true },
    violates: 'I6',
  },
  {
    name: 'who polls the lock does so inside one transaction',
    model: 'protocol',
    defines: { ...IN_POSTGRES, POLL_IN_TRANSACTION: true },
    violates: 'I6',
  },
  { name: 'a lost connection is made again', ...inProtocol({ RECONNECT: true }), violates: 'I4' },
  {
    name: 'a release does not ask whose the lease is',
    model: 'lease',
    defines: { ...LEASE, RELEASE_ANY: true },
    violates: 'K',
  },
  {
    name: 'a release deletes the item',
    model: 'lease',
    defines: { ...LEASE, RELEASE_DELETES: true },
    violates: 'I8',
  },
  {
    name: 'the effect of a broken-off build is not read from the catalogs',
    ...inProtocol({ NO_CATALOG: true }),
    violates: 'I2',
  },
  {
    name: 'no advisory lock, and another one builds',
    ...inProtocol({ NO_LOCK: true }),
    violates: 'I3',
  },
  { name: 'no release', ...inProtocol({ NO_RELEASE: true, CRASHES: 0 }), violates: 'I7' },
  {
    name: 'the effect of a broken-off build is not read, and the index stays INVALID',
    ...inProtocol({ NO_CATALOG: true }),
    violates: 'I10',
  },
];
