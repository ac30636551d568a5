/**
 * The ten ways in which a protocol like this one goes wrong, and the layers of tests in which each is seen: the matrix of
 * real processes and servers (test/faults), the simulations of the lease (test/core/lease-simulation.ts) and of the attempts
 * (test/simulation), the models (docs/model).
 */
import type { Edit } from '../faults/edit.ts';
import { MUTANTS, type Mutant } from '../faults/mutants/index.ts';
import { MODEL_MUTANTS, type ModelMutant } from '../model/searches.ts';
import { MUTANTS as SIMULATED, type Mutant as SimulatedMutant } from '../simulation/mutants.ts';

export interface Listed {
  readonly name: string;
  readonly matrix: readonly Mutant[];
  /** What is edited in the lease; undefined: it is not the lease's. */
  readonly lease: readonly Edit[] | undefined;
  /** Undefined: it is the lease's alone. */
  readonly attempts: SimulatedMutant | undefined;
  readonly model: readonly ModelMutant[];
}

function named<T extends { readonly name: string }>(all: readonly T[], name: string): T {
  const found = all.find((mutant) => mutant.name === name);
  if (!found) throw new Error(`There is no mutant "${name}".`);
  return found;
}
const inMatrix = (name: string) => named(Object.values(MUTANTS).flat(), name);
const inAttempts = (name: string) => named(SIMULATED, name);
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
    lease: undefined,
    attempts: inAttempts('no fence'),
    model: [inModel('no fence')],
  },
  {
    name: 'no ledger key',
    matrix: [inMatrix('the ledger has no key')],
    lease: undefined,
    attempts: inAttempts('no ledger key'),
    model: [inModel('no key of the ledger')],
  },
  {
    name: 'ledger and effect in split transactions',
    matrix: [inMatrix('ledger row and effect are two transactions')],
    lease: undefined,
    attempts: inAttempts('ledger and effect in split transactions'),
    model: [inModel('ledger row and effect in two transactions')],
  },
  {
    name: 'one token per lease',
    matrix: [inMatrix(NOT_LET_IN), inMatrix(BOTH_LET_IN)],
    lease: inMatrix(NOT_LET_IN).edits,
    attempts: inAttempts('one token per lease'),
    model: [inModel(NOT_LET_IN), inModel(BOTH_LET_IN)],
  },
  {
    name: 'clock-based expiry with skew',
    matrix: [inMatrix(EXPIRY)],
    lease: inMatrix(EXPIRY).edits,
    attempts: undefined,
    model: [inModel('a time of expiry, read by a clock that is fast')],
  },
  {
    name: 'blocking lock',
    ...alike('who waits for the lock waits in the server'),
    lease: undefined,
    attempts: inAttempts('blocking lock'),
  },
  {
    name: 'polling inside BEGIN',
    ...alike('who polls the lock does so inside one transaction'),
    lease: undefined,
    attempts: inAttempts('polling inside BEGIN'),
  },
  {
    name: 'automatic reconnect or a pool',
    ...alike('a lost connection is made again'),
    lease: undefined,
    attempts: inAttempts('automatic reconnect'),
  },
  {
    name: 'unconditional release',
    ...alike(RELEASE_ANY),
    lease: inMatrix(RELEASE_ANY).edits,
    attempts: undefined,
  },
  {
    name: 'release by deleting the item',
    ...alike(RELEASE_DELETES),
    lease: [MEMORY_DELETES],
    attempts: inAttempts('release by deleting the item'),
  },
];
