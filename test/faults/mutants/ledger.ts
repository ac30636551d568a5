import { killed, killedD } from '../cases.ts';
import { attemptIsRepeated, buildGoesOn } from '../schedules.ts';
import { inPostgres, type Mutant, NO_LOCK } from './mutant.ts';

const NO_FENCE = [inPostgres('ledger-functions.ts', 'WHERE f.token = mine FOR UPDATE', 'WHERE true')];
const NO_KEY = [inPostgres('ledger-schema.ts', ',\n  PRIMARY KEY (revision, ordinal)\n', '\n')];

/** Each but the last one is hidden by the advisory lock: whoever is stale has no session any more. */
export const OF_THE_LEDGER: readonly Mutant[] = [
  {
    name: 'the fence lets everybody write',
    edits: NO_FENCE,
    without: NO_LOCK,
    scenario: attemptIsRepeated,
    breaks: 'fenced',
  },
  {
    name: 'the ledger has no key',
    edits: NO_KEY,
    without: [...NO_LOCK, ...NO_FENCE],
    scenario: attemptIsRepeated,
    breaks: 'once',
  },
  {
    name: 'ledger row and effect are two transactions',
    edits: [
      inPostgres(
        'run-step.ts',
        'last ? insertEntry(change) : insertJournal(change, step),',
        "last ? insertEntry(change) : insertJournal(change, step), 'COMMIT', 'BEGIN',",
      ),
      // Which finds out at the end of each migration.
      inPostgres('ledger-functions.ts', ' AND e.xid = pg_catalog.pg_current_xact_id()', ''),
    ],
    scenario: killed('in the middle of a migration'),
    breaks: 'ledger',
  },
];

/** Of statements outside a transaction. */
export const OF_THE_JOURNAL: readonly Mutant[] = [
  {
    name: 'what a statement did is not verified',
    edits: [inPostgres('effect.ts', 'if (index.isValid) return', 'if (isBuild || index.isValid) return')],
    scenario: killedD('in the middle of an index build'),
    breaks: 'settled',
  },
  {
    name: 'the start of a statement is not journalled',
    edits: [
      inPostgres('run-alone.ts', 'beginMessage(change, step, before)', 'checkFence(change)'),
      // The row is written with the end, so that a run without faults goes well.
      inPostgres(
        'run-alone.ts',
        'adoptJournal(change, step), leaveStep',
        "beginMessage(change, step).replace(/.*?; /, ''), leaveStep",
      ),
    ],
    scenario: killed('an index built, its end not journalled'),
    breaks: 'ends',
  },
];

/** Of what a statement outside a transaction left in its middle. */
export const OF_HEALING: readonly Mutant[] = [
  {
    name: 'what a broken-off REINDEX left is not dropped',
    edits: [inPostgres('effect.ts', 'if (leftovers.length === 0)', 'if (leftovers.length >= 0)')],
    scenario: killed('in the middle of a REINDEX'),
    breaks: 'settled',
  },
  {
    name: 'a broken-off DROP INDEX counts as done',
    edits: [
      inPostgres('effect.ts', 'if (!index) return', 'if (!index || !(isBuild || index.isValid)) return'),
    ],
    scenario: killed('in the middle of a DROP INDEX'),
    breaks: 'settled',
  },
  {
    name: 'a partition that is half detached counts as detached',
    edits: [inPostgres('effect.ts', "if (attachment === 'none')", "if (attachment !== 'attached')")],
    scenario: killed('in the middle of a DETACH PARTITION'),
    breaks: 'settled',
  },
  {
    name: 'a build of a replaced attempt is ended, although it gets on',
    edits: [
      {
        file: 'lib/engine/orphan.ts',
        find: "progress?.command === 'CREATE INDEX CONCURRENTLY'",
        replace: 'false',
      },
    ],
    scenario: buildGoesOn,
    breaks: 'adopted',
  },
];
