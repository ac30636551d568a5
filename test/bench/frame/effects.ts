/** Migrations that leave a row each in a table without any constraint, so that whatever ran twice shows. */
import type { BenchMigration } from './contender.ts';
import type { BenchDatabase } from './server.ts';

export const createEffects: BenchMigration = { number: 1, sql: 'CREATE TABLE effects (step int NOT NULL);' };

/** `body` is a FROM clause's item that takes time, such as pg_sleep(0.05). */
export const effect = (number: number, body: string): BenchMigration => ({
  number,
  sql: `INSERT INTO effects SELECT ${number} FROM ${body};`,
});

/** How often the steps ran, in all: as often as there are steps, or what is wrong. */
export async function effectsOf({ query }: BenchDatabase, steps: readonly BenchMigration[]): Promise<string> {
  const rows = await query<{ step: number }>('SELECT step FROM effects ORDER BY step').catch(() => []);
  const found = rows.map(({ step }) => step).join();
  return found === steps.map(({ number }) => number).join() ? ONCE : `${rows.length} of ${steps.length}`;
}

export const ONCE = 'once';
