/** What `verify` finds amiss, with what is to be done about it. */
import type { PartialRevision } from './ledger-state.ts';
import type { ExpectedObject } from './objects.ts';

/** What the catalogs show by themselves. Names are quoted and have their schema. */
export type Damage =
  | {
      readonly kind: 'invalid-index';
      readonly name: string;
      readonly table: string;
      readonly partitioned: boolean;
    }
  | {
      readonly kind: 'not-validated';
      readonly name: string;
      readonly table: string;
      readonly domain: boolean;
    }
  | { readonly kind: 'not-enforced'; readonly name: string; readonly table: string }
  | { readonly kind: 'detach-pending'; readonly name: string; readonly table: string };

export interface Finding {
  readonly kind: Damage['kind'] | 'unfinished' | 'missing';
  /** What it is about: `public.orders`, `0042`. */
  readonly object: string;
  /** A sentence. */
  readonly what: string;
  /** A sentence. */
  readonly remedy: string;
}

export function findingOfDamage(damage: Damage): Finding {
  const { kind, name, table } = damage;
  return { kind, object: name, ...explain(damage, name, table) };
}

function explain(damage: Damage, name: string, table: string): Pick<Finding, 'what' | 'remedy'> {
  switch (damage.kind) {
    case 'invalid-index':
      return damage.partitioned
        ? {
            what: `The index ${name} of the partitioned table ${table} is INVALID: not every partition has its part of it.`,
            remedy: `Build the index on each partition that lacks it, and attach it: \`ALTER INDEX ${name} ATTACH PARTITION …\`.`,
          }
        : {
            what: `The index ${name} on ${table} is INVALID: no query uses it, and every write keeps it up.`,
            remedy: /_cc(new|old)\d*"?$/.test(name)
              ? `\`DROP INDEX CONCURRENTLY ${name}\`: a REINDEX that broke off left it behind.`
              : `\`REINDEX INDEX CONCURRENTLY ${name}\`, or drop it if nobody needs it.`,
          };
    case 'not-validated':
      return {
        what: `The constraint ${name} of ${table} was never validated: older rows may violate it.`,
        remedy: `\`ALTER ${damage.domain ? 'DOMAIN' : 'TABLE'} ${table} VALIDATE CONSTRAINT ${name}\`, in a migration of its own.`,
      };
    case 'not-enforced':
      return {
        what: `The foreign key ${name} of ${table} is not enforced: its triggers are disabled.`,
        remedy: `Look for rows that violate it, then \`ALTER TABLE ${table} ENABLE TRIGGER ALL\`.`,
      };
    case 'detach-pending':
      return {
        what: `The partition ${name} of ${table} is half detached.`,
        remedy: `\`ALTER TABLE ${table} DETACH PARTITION ${name} FINALIZE\`.`,
      };
    default:
      return damage satisfies never;
  }
}

export function findingOfPartial({ revision, direction, stepsDone, stepStarted }: PartialRevision): Finding {
  const steps = stepsDone.length === 1 ? '1 step is' : `${stepsDone.length} steps are`;
  const begun = stepStarted === null ? '' : `, and step ${stepStarted + 1} was begun`;
  const isUp = direction === 'up';
  return {
    kind: 'unfinished',
    object: revision,
    what: `Revision ${revision} is half ${isUp ? 'applied' : 'reverted'}: ${steps} done${begun}.`,
    remedy: `\`lockstep ${isUp ? 'up' : 'down -1'}\` goes on where it broke off.`,
  };
}

export const nameOf = ({ schema, table, name }: ExpectedObject): string =>
  [schema, table, name].filter((part) => part !== undefined).join('.');

/** Parts of a table that is missing itself are not told one by one. */
export function findingsOfMissing(missing: readonly ExpectedObject[]): Finding[] {
  const tables = new Set(missing.filter((o) => o.table === undefined).map((o) => `${o.schema}.${o.name}`));
  return missing
    .filter(({ schema, table }) => table === undefined || !tables.has(`${schema}.${table}`))
    .map((object) => ({
      kind: 'missing',
      object: nameOf(object),
      what: `The ${object.word} ${nameOf(object)}, which ${object.createdBy} creates, is not there.`,
      remedy:
        'Find out who dropped or renamed it: bring it back with a new migration, or drop it in one, so that every database is alike.',
    }));
}
