/**
 * What there is of the effect of a statement that runs outside a transaction, by the catalogs, and how one that broke
 * off in the middle is mended: what can only be finished is finished, anything else is taken away.
 */
import type { Postcondition } from '../../core/plan/index.ts';
import { dropIndex, findIndex } from './catalog-index.ts';
import { attachmentOf, finalizeDetach } from './detached-partition.ts';
import { findLeftovers } from './reindex-leftovers.ts';
import type { Session } from './session.ts';
import { literal } from './sql.ts';

export type Effect =
  | { readonly kind: 'none' }
  | { readonly kind: 'whole' }
  | {
      readonly kind: 'broken';
      /** What is there, for people. */
      readonly found: string;
      readonly mendedBy: 'finishing' | 'removing';
      /** Waits for others for no longer than this. Throws LS306, LS604. */
      mend(limitMs: number): Promise<void>;
    };

/** Looked up before the statement runs, and journalled with it. */
export interface Before {
  /** Its postcondition was true already, so that it tells nothing. */
  readonly held: boolean;
  /** Oids of what looked like its leftovers, and cannot be. */
  readonly leftovers: readonly string[];
}

const [NONE, WHOLE] = [{ kind: 'none' }, { kind: 'whole' }] as const;
const NOTHING_KNOWN: Before = { held: false, leftovers: [] };

export async function lookBefore(session: Session, postcondition: Postcondition): Promise<Before> {
  if (postcondition.kind !== 'reindexed')
    return { ...NOTHING_KNOWN, held: (await effectOf(session, postcondition)).kind === 'whole' };
  const leftovers = (await findLeftovers(session, postcondition)).map(({ oid }) => oid);
  return { held: false, leftovers };
}

/** Of a statement that may run again nothing ever counts as done. */
export function effectOf(
  session: Session,
  postcondition: Postcondition,
  before: Before = NOTHING_KNOWN,
): Promise<Effect> {
  switch (postcondition.kind) {
    case 'index-valid':
    case 'index-absent':
      return ofIndex(session, postcondition);
    case 'reindexed':
      return ofReindex(session, postcondition, before);
    case 'partition-detached':
      return ofPartition(session, postcondition);
    case 'object-present':
    case 'object-absent':
      return ofObject(session, postcondition);
    case 'repeatable':
    case 'unknown':
      return Promise.resolve(NONE);
    default:
      return postcondition satisfies never;
  }
}

type Of<Kind extends Postcondition['kind']> = Extract<Postcondition, { kind: Kind }>;

async function ofIndex(
  session: Session,
  postcondition: Of<'index-valid'> | Of<'index-absent'>,
): Promise<Effect> {
  const index = await findIndex(session, postcondition);
  const isBuild = postcondition.kind === 'index-valid';
  if (!index) return isBuild ? NONE : WHOLE;
  if (index.isValid) return isBuild ? WHOLE : NONE;
  if (index.isBeingBuilt) return NONE;
  return {
    kind: 'broken',
    found: `the INVALID index ${index.name}`,
    mendedBy: isBuild ? 'removing' : 'finishing',
    mend: (limitMs) => dropIndex(session, index, limitMs),
  };
}

async function ofReindex(session: Session, postcondition: Of<'reindexed'>, before: Before): Promise<Effect> {
  const all = await findLeftovers(session, postcondition);
  const leftovers = all.filter(({ oid }) => !before.leftovers.includes(oid));
  if (leftovers.length === 0) return NONE;
  return {
    kind: 'broken',
    found: `INVALID indexes: ${leftovers.map(({ name }) => name).join(', ')}`,
    mendedBy: 'removing',
    async mend(limitMs) {
      for (const index of leftovers) await dropIndex(session, index, limitMs);
    },
  };
}

async function ofPartition(session: Session, postcondition: Of<'partition-detached'>): Promise<Effect> {
  const attachment = await attachmentOf(session, postcondition);
  if (attachment === 'attached') return NONE;
  if (attachment === 'none') return WHOLE;
  return {
    kind: 'broken',
    found: `the partition ${postcondition.partition}, half detached`,
    mendedBy: 'finishing',
    mend: (limitMs) => finalizeDetach(session, postcondition, limitMs),
  };
}

const LISTED = {
  database: (name: string) => `pg_catalog.pg_database o WHERE o.datname = ${name}`,
  tablespace: (name: string) => `pg_catalog.pg_tablespace o WHERE o.spcname = ${name}`,
} as const;

/** A database whose removal broke off is still listed, as one that nobody may enter. */
const IS_WHOLE = { database: 'AND o.datconnlimit <> -2', tablespace: '' } as const;

async function ofObject(
  session: Session,
  { kind, of, name }: Of<'object-present' | 'object-absent'>,
): Promise<Effect> {
  const isMade = kind === 'object-present';
  const rows = await session.query(`SELECT FROM ${LISTED[of](literal(name))} ${isMade ? IS_WHOLE[of] : ''}`);
  return rows.length > 0 === isMade ? WHOLE : NONE;
}
