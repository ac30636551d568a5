/**
 * The holder of the lease fails at known points, and what became of it, as a table.
 *
 *   npm run test:faults                   the cases of `npm test`
 *   npm run test:faults -- --full         each point with each fault, 25 times, and 100,000 schedules: an hour
 *   npm run test:faults -- --rounds 2     the same, twice
 *   npm run test:faults -- --schedules 100000   no processes: only the simulations, so many schedules of each;
 *                                         with --seed N the same ones again
 *
 * Exits as the test runner does: with 0 when no invariant was violated.
 */
import { spawn } from 'node:child_process';
import { parseArgs } from 'node:util';
import { searchAll } from '../simulation/run.ts';

const FULL = { rounds: '25', schedules: '100000' };

const { values } = parseArgs({
  options: {
    full: { type: 'boolean', default: false },
    rounds: { type: 'string' },
    schedules: { type: 'string' },
    seed: { type: 'string', default: String(Date.now() % 2 ** 31) },
  },
});
for (const name of ['rounds', 'schedules', 'seed'] as const) {
  if (!/^[1-9]\d*$/.test(values[name] ?? '1')) throw new Error(`--${name} is a whole number from 1 on.`);
}
const rounds = values.rounds ?? (values.full ? FULL.rounds : undefined);
const schedules = values.schedules ?? (values.full ? FULL.schedules : undefined);

if (values.schedules === undefined || values.full) process.exitCode = await matrix();
if (schedules !== undefined) {
  const isGood = await searchAll({ schedules: Number(schedules), seed: Number(values.seed) });
  if (!isGood) process.exitCode = 1;
}

function matrix(): Promise<number> {
  // More of them wait than vitest would begin by itself; how many go on at a time is said in all-cases.ts.
  const many = rounds ? ['--maxConcurrency', '10', '--reporter', 'dot'] : [];
  const child = spawn('vitest', ['run', 'test/faults/recovery.test.ts', ...many], {
    stdio: 'inherit',
    env: { ...process.env, ...(rounds ? { LOCKSTEP_FAULT_ROUNDS: rounds } : {}) },
  });
  return new Promise((resolve) => child.once('close', (code) => resolve(code ?? 1)));
}
