/**
 * The holder of the lease fails at known points, and what became of it, as a table.
 *
 *   npm run test:faults                   the cases of `npm test`
 *   npm run test:faults -- --full         each point with each fault, 25 times: three quarters of an hour
 *   npm run test:faults -- --rounds 2     the same, twice
 *   npm run test:faults -- --schedules 100000   no processes: only the simulations, so many schedules of each;
 *                                         with --seed N the same ones again
 *
 * Exits as the test runner does: with 0 when no invariant was violated.
 */
import { spawn } from 'node:child_process';
import { parseArgs } from 'node:util';

const FULL = '25';

const { values } = parseArgs({
  options: { full: { type: 'boolean', default: false }, rounds: { type: 'string' } },
});
const rounds = values.rounds ?? (values.full ? FULL : undefined);
if (rounds !== undefined && !/^[1-9]\d*$/.test(rounds))
  throw new Error('--rounds is a whole number from 1 on.');

// More of them wait than vitest would begin by itself; how many go on at a time is said in all-cases.ts.
const many = rounds ? ['--maxConcurrency', '10', '--reporter', 'dot'] : [];
const child = spawn('vitest', ['run', 'test/faults/recovery.test.ts', ...many], {
  stdio: 'inherit',
  env: { ...process.env, ...(rounds ? { LOCKSTEP_FAULT_ROUNDS: rounds } : {}) },
});
child.once('close', (code) => {
  process.exitCode = code ?? 1;
});
