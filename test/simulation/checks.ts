/** I1 to I10, when everybody has ended; I3, I4 and a part of I8 the server has noted on the way. */
import { LockstepError } from '../../lib/core/errors/index.ts';
import type { Invariant, Violation } from './invariants.ts';
import { INDEX } from './migrations.ts';
import type { Ended, Worker } from './schedule.ts';

const unless = (holds: boolean, of: Invariant, seen: unknown): Violation[] => (holds ? [] : [{ of, seen }]);
const isSorted = <T>(values: readonly T[]) => values.every((value, i) => i === 0 || values[i - 1]! <= value);

export function violationsAfter(ended: Ended): readonly Violation[] {
  return [
    ...ended.server.violations,
    ...effects(ended),
    ...ends(ended),
    ...nothingIsLeft(ended),
    ...tokens(ended),
  ];
}

function effects({ server: { database }, poison, set }: Ended): Violation[] {
  const made = database.effects.map(({ revision }) => revision);
  const ledger = database.entries.map(({ revision }) => revision);
  const index = database.indexes.get(INDEX);
  const rows = ledger.filter((revision) => set.rows.includes(revision));
  const recordsIndex = set.build !== undefined && ledger.includes(set.build);
  const seen = { ledger, made, index: index?.isValid };
  const expected = set.revisions.filter((revision) => poison === undefined || revision < poison.revision);
  return [
    ...unless(new Set(made).size === made.length, 'I1', seen),
    ...unless([...new Set(made)].sort().join() === [...new Set(rows)].sort().join(), 'I2', seen),
    ...unless(recordsIndex === (index?.isValid === true), 'I2', seen),
    ...unless(isSorted(ledger) && isSorted(made) && ledger.every((r) => expected.includes(r)), 'I5', seen),
    ...unless(
      expected.every((revision) => ledger.includes(revision)),
      'I6',
      seen,
    ),
    ...unless(index?.isValid !== false, 'I10', seen),
    ...unless(
      database.journal.every(({ state }) => state === 'done'),
      'I10',
      database.journal,
    ),
  ];
}

/** What a run may fail with that is not the migrations' fault: it lost its server, its lease store, or was replaced. */
const MAY_HAPPEN = ['LS301', 'LS402', 'LS403', 'LS404'];
/** The migration's own error, and that of a run which had the same. */
const POISONED = ['LS601', 'LS617'];

function ends({ workers, healer, poison, set }: Ended): Violation[] {
  const all = set.revisions.length;
  const asIs = ({ outcome }: Worker) => (outcome instanceof LockstepError ? outcome.message : outcome);
  const maySay = ({ outcome }: Worker, codes: readonly string[]) =>
    outcome instanceof LockstepError ? codes.includes(outcome.code) : outcome === 'succeeded';
  const own = poison ? POISONED : [];
  const living = workers.filter(({ host }) => !host.isCrashed);
  return [
    ...living.flatMap((worker) => unless(maySay(worker, [...MAY_HAPPEN, ...own]), 'I6', asIs(worker))),
    ...unless(maySay(healer, own), 'I6', asIs(healer)),
    ...[...living, healer].flatMap((worker) =>
      unless(
        worker.outcome !== 'succeeded' || (worker.appliedThen === all && !poison),
        'I9',
        worker.appliedThen,
      ),
    ),
  ];
}

/** A lease that is held and a run that is `running` may be left by who died, or was cut off before it could say that it ended. */
function nothingIsLeft({ server, item, workers }: Ended): Violation[] {
  const couldNot = ({ host: { isCrashed, faults } }: Worker) =>
    isCrashed || faults.lost > 0 || faults.cut > 0 || faults.standstill > 0;
  const excused = new Set(workers.filter(couldNot).map(({ holder }) => holder));
  const runs = server.database.runs.filter((r) => r.verdict === 'running' && !excused.has(r.runId));
  const lease = item.record?.state === 'HELD' && !excused.has(item.record.holder) ? item.record : undefined;
  const sessions = [...server.backends].map((b) => b.applicationName);
  return [
    ...unless(sessions.length === 0, 'I7', sessions),
    ...unless(runs.length === 0, 'I7', runs),
    ...unless(lease === undefined, 'I7', lease),
  ];
}

function tokens({ tokens: letIn, item }: Ended): Violation[] {
  return [
    ...unless(new Set(letIn).size === letIn.length, 'I8', letIn),
    ...unless(isSorted(item.tokens), 'I8', item.tokens),
  ];
}
