import { killed, stoppedD } from '../cases.ts';
import type { Edit } from '../edit.ts';
import { attemptIsRepeated, comesBackEarly, holderTakesLong, runsFollow } from '../schedules.ts';
import { inPostgres, type Mutant, NO_CANCEL, NO_LOCK } from './mutant.ts';

const inTransitions = (find: string, replace: string): Edit => ({
  file: 'lib/core/lease/transitions.ts',
  find,
  replace,
});
const inRegister = (find: string, replace: string): Edit => ({
  file: 'lib/adapters/dynamodb/dynamo-lease-register.ts',
  find,
  replace,
});

/** A lease gets a token when it is acquired, and all its attempts have that one. */
const TOKEN_OF_LEASE = [
  inTransitions(
    'durationMs, token: record?.token ?? 0 }',
    'durationMs, token: (record?.token ?? 0) + (record?.holder === holder ? 0 : 1) }',
  ),
  inTransitions('Math.max(record.token, floor) + 1', 'Math.max(record.token, floor)'),
];

/** Whoever has lost the lease claims the database before it looks. */
const CLAIMS_ALL_THE_SAME = {
  file: 'lib/engine/enter.ts',
  find: 'throwIfEnded: () => signal.throwIfAborted(),',
  replace: 'throwIfEnded: () => undefined,',
};

export const OF_CLAIMS: readonly Mutant[] = [
  {
    name: 'a claim is good with any token',
    edits: [inPostgres('fence.ts', 'WHERE token < ', 'WHERE true OR token < ')],
    without: [...NO_CANCEL, CLAIMS_ALL_THE_SAME],
    scenario: stoppedD('connected, the lock not asked for'),
    breaks: 'tokens',
  },
  {
    name: 'one token per lease, and a repeated attempt is not let in',
    edits: TOKEN_OF_LEASE,
    scenario: attemptIsRepeated,
    breaks: 'ends',
  },
  {
    name: 'one token per lease, and both attempts are let in',
    edits: [...TOKEN_OF_LEASE, inPostgres('fence.ts', 'WHERE token < ', 'WHERE token <= ')],
    without: NO_LOCK,
    scenario: attemptIsRepeated,
    breaks: 'fenced',
  },
];

export const OF_TOKENS: readonly Mutant[] = [
  {
    name: "PostgreSQL's lease gives the same token again",
    edits: [inPostgres('postgres-lease-store.ts', ') + 1, claimed_at', ', 1), claimed_at')],
    scenario: killed('between two migrations'),
    breaks: 'tokens',
  },
  {
    name: 'a release deletes the item',
    edits: [
      inRegister('  PutItemCommand,\n}', '  PutItemCommand, DeleteItemCommand,\n}'),
      inRegister(
        'await this.#client.send(command);',
        `await this.#client.send(next.state === 'HELD' ? command : new DeleteItemCommand({
          TableName: this.#tableName, Key: { [LeaseAttribute.target]: { S: next.target } } }));`,
      ),
    ],
    scenario: runsFollow,
    breaks: 'tokens',
  },
];

export const OF_HOLDING: readonly Mutant[] = [
  {
    name: 'a lease is taken over without being watched first, as by a clock that is fast',
    edits: [
      {
        file: 'lib/core/lease/watch.ts',
        find: 'watch.unchangedMs >= record.durationMs',
        replace: 'watch.unchangedMs >= 0',
      },
    ],
    scenario: holderTakesLong('dynamodb'),
    breaks: 'kept',
  },
  {
    name: 'the lease is not renewed',
    edits: [
      {
        file: 'lib/engine/attempt.ts',
        find: 'this.#keeping = keepRenewed({ store, lease: this.#lease, clock, onLost, mintStartedAtMs });',
        replace: '',
      },
    ],
    scenario: holderTakesLong('dynamodb'),
    breaks: 'kept',
  },
  {
    name: 'a release does not ask whose the lease is',
    edits: [
      inTransitions(
        'if (!holds(record, lease) || replacedByNewerAttempt(record, lease)) return refuse(record);\n  return write(freed',
        'if (record === undefined) return refuse(record);\n  return write(freed',
      ),
    ],
    scenario: comesBackEarly('dynamodb'),
    breaks: 'kept',
  },
];
