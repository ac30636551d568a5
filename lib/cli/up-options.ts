import type { RunPhase } from '../core/plan/index.ts';

/** Of `up`, and of `up --dry-run`. */
export interface UpOptions {
  readonly to?: string;
  readonly phase?: RunPhase;
  readonly forceContract?: true;
  readonly dryRun?: true;
  readonly createDatabase?: true;
}

export const askedOf = ({ to: toRevision, phase, forceContract, createDatabase }: UpOptions) => ({
  toRevision,
  phase,
  forceContract,
  createDatabase,
});
