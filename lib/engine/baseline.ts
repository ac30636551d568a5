import { readLedger } from '../adapters/postgres/index.ts';
import { type MigrationSource, revisionsToBaseline } from '../core/plan/index.ts';
import { type ExclusiveOptions, runExclusively } from './exclusively.ts';
import { recordUnrun } from './operate.ts';
import { refuseReadOnly, refuseUnknown } from './planning.ts';

export interface BaselineOptions extends ExclusiveOptions {
  readonly source: MigrationSource;
  /** Everything up to and including this one. */
  readonly revision: string;
}

export interface Baselined {
  /** In the order of their revisions; empty when this baseline was recorded before. */
  readonly baselined: readonly string[];
}

/**
 * Begins the ledger of a database whose schema is there already: records migrations without running them.
 * Throws LS2xx, LS3xx, LS40x, LS504, LS506.
 */
export function baseline(options: BaselineOptions): Promise<Baselined> {
  const { source, revision } = options;
  refuseUnknown(revision, source.catalog);
  return runExclusively<Baselined>(options, {
    async look(session) {
      if (revisionsToBaseline(await readLedger(session), source.catalog, revision).length === 0)
        return { baselined: [] };
      refuseReadOnly(session);
      return undefined;
    },
    async work(attempt) {
      const ledger = await readLedger(attempt.session);
      const revisions = revisionsToBaseline(ledger, source.catalog, revision);
      return { baselined: await recordUnrun(attempt, ledger, { source, revisions, kind: 'baselined' }) };
    },
  });
}
