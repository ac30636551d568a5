/**
 * The holder of the lease is killed (SIGKILL), stopped (SIGSTOP) or cut off at a known place. The next process
 * finishes without any repair, and the stopped one, continued, changes nothing; see invariants.ts for what is looked
 * at after each case. Tokens, fence, locks and ledger are PostgreSQL's and the lease store's own: real processes of
 * the real command, a real server. That each of these tests can fail is shown in mutants.test.ts.
 *
 * `npm run test:faults` runs it, and prints the table; see run.ts.
 */
import { afterAll, describe, it } from 'vitest';
import { allCases, ROWS } from './all-cases.ts';
import { CASES } from './cases.ts';
import { FaultTable } from './fault-table.ts';
import type { Violation } from './invariants.ts';

/** So many times each point with each fault; absent: what `npm test` has time for. */
const ROUNDS = process.env.LOCKSTEP_FAULT_ROUNDS;
const table = new FaultTable();

describe.each(Object.entries(ROUNDS ? allCases(Number(ROUNDS)) : CASES))(
  'the holder fails %s',
  (_, scenarios) => {
    for (const scenario of scenarios) {
      it.concurrent(scenario.name, async (context) => {
        let recoveredMs: number | undefined;
        let found: Violation[] | undefined;
        try {
          found = await scenario.run(context, [], (ms) => {
            recoveredMs = ms;
          });
        } finally {
          // One that broke off counts as a violation.
          table.add(scenario, found?.length ?? 1, recoveredMs);
        }
        context.expect(found).toEqual([]);
      }, 60_000);
    }
  },
);

afterAll(() => {
  const { runs, violations } = table.totals;
  const head = `${runs} runs at points of the table, ${violations} violations`;
  process.stdout.write(`\n${head}\n\n${table.toString(ROWS)}\n\n${table.recoveries()}\n\n`);
});
