/**
 * The holder of the lease is killed (SIGKILL), stopped (SIGSTOP) or cut off at a known place. The next process
 * finishes without any repair, and the stopped one, continued, changes nothing; see invariants.ts for what is looked
 * at after each case. Tokens, fence, locks and ledger are PostgreSQL's and the lease store's own: real processes of
 * the real command, a real server. That each of these tests can fail is shown in mutants.test.ts.
 */
import { describe, it } from 'vitest';
import { CASES } from './cases.ts';

describe.each(Object.entries(CASES))('the holder fails %s', (_, scenarios) => {
  for (const { name, run } of scenarios) {
    it.concurrent(name, async (context) => context.expect(await run(context, [])).toEqual([]), 60_000);
  }
});
