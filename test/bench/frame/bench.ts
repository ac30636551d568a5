/** What every case is given. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { BenchMigration, Contender } from './contender.ts';
import type { CaseResult } from './result.ts';
import type { BenchServer } from './server.ts';

export interface Bench {
  readonly server: BenchServer;
  /** The folder of the built package. */
  readonly dist: string;
  readonly peers: readonly Contender[];
  /** A folder of the run's own, removed at its end. */
  readonly scratch: string;
  /** With fewer and smaller measurements, to see that the bench itself works. */
  readonly quick: boolean;
  /** How often each contender is measured, in turn with the others. */
  readonly rounds: number;
  log(line: string): void;
}

export type BenchCase = (bench: Bench) => Promise<CaseResult>;

let folders = 0;

/** A new folder with the migrations as the contender wants them. */
export function folderFor(
  { scratch }: Bench,
  contender: Contender,
  migrations: readonly BenchMigration[],
): string {
  folders += 1;
  const folder = join(scratch, `migrations-${folders}`);
  for (const [path, content] of Object.entries(contender.files(migrations))) {
    const file = join(folder, path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, content);
  }
  return folder;
}

/** So that the longest-running kinds of statement are not what is measured. */
export const smallMigrations = (count: number): BenchMigration[] =>
  Array.from({ length: count }, (_, i) => ({
    number: i + 1,
    sql: `CREATE TABLE table_${i + 1} (id bigint PRIMARY KEY, note text);`,
  }));
