/** What the handlers of messages share. */
import type { Backend } from './backend.ts';
import type { Database } from './database.ts';
import { serverError } from './server-error.ts';

const undefinedTable = () => serverError('42P01', 'relation "lockstep.fence" does not exist');

export function ledgerOf(backend: Backend): Database {
  const { database } = backend.server;
  if (!database.hasLedger) throw undefinedTable();
  return database;
}

/** The literals of a VALUES list. */
export const valuesIn = (list: string): (string | null)[] =>
  [...list.matchAll(/'((?:[^']|'')*)'|NULL/g)].map(([, text]) => text?.replaceAll("''", "'") ?? null);

/** Whoever writes a row waits for who has it. */
export async function lockRow(backend: Backend, row: string, limitMs?: number): Promise<void> {
  const { backends } = backend.server;
  const isFree = () => ![...backends].some((other) => other !== backend && other.transaction?.rows.has(row));
  await backend.take(isFree, () => backend.open.rows.add(row), limitMs);
}
