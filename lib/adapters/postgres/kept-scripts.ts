/** The scripts that the ledger keeps beside its checksums: what was applied, and the way back. */
import type { CurrentEntry, KeptDown } from '../../core/plan/index.ts';
import type { Session } from './session.ts';

const idsOf = (entries: readonly Pick<CurrentEntry, 'entryId'>[]): string =>
  `ANY ('{${entries.map((e) => BigInt(e.entryId)).join(',')}}'::pg_catalog.int8[])`;

/** Of the down scripts, by entry id; an entry without a down script is not among them. Throws LS3xx. */
export async function readKeptDowns(
  session: Session,
  entries: readonly CurrentEntry[],
): Promise<ReadonlyMap<string, KeptDown>> {
  const rows = await session.query(
    `SELECT e.id, e.down->>'sha256' AS sha, e.down->>'normalizedSha256' AS normalized
     FROM lockstep.entry e WHERE e.id = ${idsOf(entries)} AND e.down IS NOT NULL`,
  );
  const sums = ({ sha, normalized }: (typeof rows)[number]) => ({
    sha256: sha ?? '',
    normalizedSha256: normalized ?? '',
  });
  return new Map(rows.map((row) => [row.id ?? '', sums(row)]));
}

/** What was applied, in its canonical form, by entry id; a large script is not among them. Throws LS3xx. */
export async function readKeptSql(
  session: Session,
  entries: readonly Pick<CurrentEntry, 'entryId'>[],
): Promise<ReadonlyMap<string, string>> {
  const rows = await session.query(
    `SELECT e.id, e.up FROM lockstep.entry e WHERE e.id = ${idsOf(entries)} AND e.up IS NOT NULL`,
  );
  return new Map(rows.map(({ id, up }) => [id ?? '', up ?? '']));
}

/** A revision that is applied, with what was applied. */
export interface AppliedScript {
  readonly revision: string;
  readonly slug: string;
  readonly sha256: string;
  readonly normalizedSha256: string;
  /** In its canonical form; null for a large script, and for one that was recorded without its file. */
  readonly up: string | null;
}

/** In the order in which they were applied: a repair changes what is known of a script, not when it ran. Throws LS3xx. */
export async function readAppliedScripts(session: Session): Promise<readonly AppliedScript[]> {
  const rows = await session.queryLedger(
    `SELECT pg_catalog.json_agg(x ORDER BY x.ran) AS scripts FROM (
       SELECT a.written_as AS revision, a.slug, a.sha256, a.normalized_sha256 AS "normalizedSha256", a.up,
         (SELECT pg_catalog.max(e.id) FROM lockstep.entry e WHERE e.revision = a.revision AND e.kind <> 'repaired') AS ran
       FROM lockstep.applied a) x`,
  );
  return JSON.parse(rows?.[0]?.scripts ?? '[]') ?? [];
}
