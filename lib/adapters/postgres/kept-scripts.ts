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
