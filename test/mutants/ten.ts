/**
 * The ten ways in which a protocol like this one goes wrong, and the layers of tests in which each is seen: the matrix of
 * real processes and servers (test/faults), the simulation of the lease (test/core/lease-simulation.ts), the models
 * (docs/model). The simulation has the lease only: what PostgreSQL protects is not in it.
 */
import type { Edit } from '../faults/edit.ts';
import { MUTANTS, type Mutant } from '../faults/mutants/index.ts';
import { MODEL_MUTANTS, type ModelMutant } from '../model/searches.ts';

export interface Listed {
  readonly name: string;
  readonly matrix: readonly Mutant[];
  /** What is edited in the lease; undefined: it is not the lease's. */
  readonly simulation: readonly Edit[] | undefined;
  readonly model: readonly ModelMutant[];
}

function named<T extends { readonly name: string }>(all: readonly T[], name: string): T {
  const found = all.find((mutant) => mutant.name === name);
  if (!found) throw new Error(`There is no mutant "${name}".`);
  return found;
}
const inMatrix = (name: string) => named(Object.values(MUTANTS).flat(), name);
const inModel = (name: string) => named(MODEL_MUTANTS, name);

/** The matrix has the same one in DynamoDB's adapter. */
const MEMORY_DELETES: Edit = {
  file: 'lib/adapters/memory/index.ts',
  find: 'if (matches) this.#records.set(next.target, next);',
  replace: `if (matches && next.state === 'FREE') this.#records.delete(next.target);
    else if (matches) this.#records.set(next.target, next);`,
};

const NOT_LET_IN = 'one token per lease, and a repeated attempt is not let in';
const BOTH_LET_IN = 'one token per lease, and both attempts are let in';
const EXPIRY = 'a lease is taken over without being watched first, as by a clock that is fast';
const RELEASE_ANY = 'a release does not ask whose the lease is';
const RELEASE_DELETES = 'a release deletes the item';

/** Those that both have under one name. */
const alike = (name: string) => ({ matrix: [inMatrix(name)], model: [inModel(name)] });

export const TEN: readonly Listed[] = [
  {
    name: 'no fence',
    matrix: [inMatrix('the fence lets everybody write'), inMatrix('a claim is good with any token')],
    simulation: undefined,
    model: [inModel('no fence')],
  },
  {
    name: 'no ledger key',
    matrix: [inMatrix('the ledger has no key')],
    simulation: undefined,
    model: [inModel('no key of the ledger')],
  },
  {
    name: 'ledger and effect in split transactions',
    matrix: [inMatrix('ledger row and effect are two transactions')],
    simulation: undefined,
    model: [inModel('ledger row and effect in two transactions')],
  },
  {
    name: 'one token per lease',
    matrix: [inMatrix(NOT_LET_IN), inMatrix(BOTH_LET_IN)],
    simulation: inMatrix(NOT_LET_IN).edits,
    model: [inModel(NOT_LET_IN), inModel(BOTH_LET_IN)],
  },
  {
    name: 'clock-based expiry with skew',
    matrix: [inMatrix(EXPIRY)],
    simulation: inMatrix(EXPIRY).edits,
    model: [inModel('a time of expiry, read by a clock that is fast')],
  },
  { name: 'blocking lock', ...alike('who waits for the lock waits in the server'), simulation: undefined },
  {
    name: 'polling inside BEGIN',
    ...alike('who polls the lock does so inside one transaction'),
    simulation: undefined,
  },
  {
    name: 'automatic reconnect or a pool',
    ...alike('a lost connection is made again'),
    simulation: undefined,
  },
  { name: 'unconditional release', ...alike(RELEASE_ANY), simulation: inMatrix(RELEASE_ANY).edits },
  { name: 'release by deleting the item', ...alike(RELEASE_DELETES), simulation: [MEMORY_DELETES] },
];
