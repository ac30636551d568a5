/**
 * App instances, as far as they are known, and what they keep a contract migration from.
 *
 * A contract migration takes away what only older versions of the app use. The version that does not need it any more
 * comes in the bundle that has the migration: so the migration may run when every instance that is alive was built
 * with it in sight. Of an instance that the deployer named only the head is known; then the numbers decide.
 */
import type { Plan } from './plan.ts';
import { compareRevisions } from './revision.ts';

export interface AppInstance {
  readonly id: string;
  /** host:pid, or what the deployer calls it. */
  readonly name: string;
  /** Who says that it is there: itself, or the deployer. */
  readonly source: 'heartbeat' | 'deployer';
  /** The highest revision of its bundle, as that writes it. */
  readonly head: string;
  /** The contract migrations of its bundle; null if only the head is known. */
  readonly contracts: readonly string[] | null;
  readonly bundleDigest: string;
  /** ISO 8601, by the database's clock, as is everything of time here. */
  readonly startedAt: string;
  readonly heardAt: string;
  readonly silentMs: number;
  readonly alive: boolean;
}

/** The plan with what its contract migrations meet; without such migrations there is nothing to look for. */
export function guardContract(plan: Plan, instances: readonly AppInstance[], forced: boolean): Plan {
  const alive = instances.filter((instance) => instance.alive);
  const needed = plan.pending
    .filter(({ phase }) => phase === 'contract')
    .map(({ revision, slug }) => ({ revision, slug, by: alive.filter((i) => mayNeed(i, revision)) }))
    .filter(({ by }) => by.length > 0);
  const problems = forced ? [] : needed.map((one) => ({ kind: 'needed' as const, ...one }));
  return {
    ...plan,
    outcome: problems.length > 0 ? 'refused' : plan.outcome,
    problems: [...plan.problems, ...problems],
    inTheWay: alive.filter((instance) => needed.some(({ by }) => by.includes(instance))),
  };
}

const mayNeed = ({ contracts, head }: AppInstance, revision: string): boolean =>
  contracts === null
    ? compareRevisions(head, revision) < 0
    : !contracts.some((known) => compareRevisions(known, revision) === 0);

/** More than this, and a sentence is no sentence any more. */
const MOST_NAMES = 5;

/** `web-1:4711 (head 0041, heard 12 s ago), blue (head 0040, by the deployer's word)`. */
export function instancesInWords(instances: readonly AppInstance[]): string {
  const shown = instances.slice(0, MOST_NAMES).map(({ name, head, source, silentMs }) => {
    const heard =
      source === 'deployer' ? "by the deployer's word" : `heard ${Math.round(silentMs / 1000)} s ago`;
    return `${name} (head ${head}, ${heard})`;
  });
  const more = instances.length > MOST_NAMES ? ` and ${instances.length - MOST_NAMES} more` : '';
  return shown.join(', ') + more;
}
