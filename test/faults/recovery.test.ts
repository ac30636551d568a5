/**
 * The holder of the lease is killed (SIGKILL), stopped (SIGSTOP) or cut off at a known place. The next process
 * finishes without any repair, and the stopped one, continued, changes nothing; see invariants.ts for what is looked
 * at after each case. Tokens, fence, locks and ledger are PostgreSQL's and the lease store's own: real processes of
 * the real command, a real server. That each of these tests can fail is shown in mutants.test.ts.
 *
 * `npm run test:faults` runs it, and prints the table; see run.ts.
 */
import { afterAll, describe, it } from 'vitest';
import { allCases, type Group, ROWS } from './all-cases.ts';
import { CASES } from './cases.ts';
import { FaultTable } from './fault-table.ts';
import type { Violation } from './invariants.ts';
import { turns } from './turns.ts';

/** So many times each point with each fault; absent: what `npm test` has time for. */
const ROUNDS = process.env.LOCKSTEP_FAULT_ROUNDS;
const table = new FaultTable();
const startedMs = performance.now();

const QUICK = Object.entries(CASES).map(([name, scenarios]): [string, Group] => [
  name,
  { scenarios, atATime: scenarios.length },
]);
const groups = ROUNDS ? Object.entries(allCases(Number(ROUNDS))) : QUICK;
/** Those that wait for their turn do so within it. */
const LIMIT_MS = ROUNDS ? Number(ROUNDS) * 600_000 : 60_000;

describe.each(groups)('the holder fails %s', (_, { scenarios, atATime }) => {
  const inTurn = turns(atATime);
  for (const scenario of scenarios) {
    it.concurrent(
      scenario.name,
      (context) =>
        inTurn(async () => {
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
        }),
      LIMIT_MS,
    );
  }
});

afterAll(() => {
  process.stdout.write(`\n${(ROUNDS ? report() : [table.toString(ROWS)]).join('\n\n')}\n\n`);
});

/** As docs/reliability.md has it. */
function report(): string[] {
  const { runs, violations } = table.totals;
  const minutes = Math.round((performance.now() - startedMs) / 60_000);
  const command = `\`npm run test:faults -- --rounds ${ROUNDS}\``;
  const day = new Date().toISOString().slice(0, 10);
  const head = `${day}, ${command}, ${minutes} minutes: ${runs} runs, ${violations} violations.`;
  return [head, table.recoveries(), table.toString(ROWS)];
}
