/** Many instances of one tool at once in one process: start-many.mjs does it, and prints what it saw. */
import { join } from 'node:path';
import { type Contender, node } from './contender.ts';
import { PEERS } from './peers.ts';
import { errorIn, run } from './process.ts';

export interface Race {
  /** How many ended well. */
  readonly fine: number;
  /** Of those that did, since all were started. */
  readonly lastReadyMs: number;
  /** The different ones. */
  readonly errors: readonly string[];
}

export interface Many {
  readonly dist: string;
  readonly contender: Contender;
  readonly folder: string;
  readonly url: string;
  readonly count: number;
}

export async function manyInOne({ dist, contender, folder, url, count }: Many): Promise<Race> {
  const program = node(join(PEERS, 'start-many.mjs'), contender.module ?? '', folder, url, String(count));
  const { stdout } = await run(program, { LOCKSTEP_DIST: dist });
  // A tool may have words of its own before it.
  const race = JSON.parse(stdout.trimEnd().split('\n').at(-1)!) as Race;
  return { ...race, errors: [...new Set(race.errors.map(errorIn))] };
}
