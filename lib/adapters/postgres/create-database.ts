/**
 * Makes the database, for whoever asked for it and found none. It is made from another database of the same server,
 * and before there is a lease or a lock, which are kept in the database itself: any number of processes may try at
 * once, and PostgreSQL's own unique index on names lets one of them.
 *
 * Never through a pooler: it has a list of databases or remembers that there was none, and it may keep a session in
 * the template, which then cannot be copied.
 */
import pg from 'pg';
import { LockstepError, NOTHING_CHANGED } from '../../core/errors/index.ts';
import { databaseError } from './database-error.ts';
import type { Session } from './session.ts';
import { identifier, literal } from './sql.ts';

/** One of them is there in each server, unless somebody took pains. */
const MAINTENANCE_DATABASES = ['postgres', 'template1'];
/** No such database; not allowed to connect to it. */
const TRY_THE_NEXT: readonly string[] = ['LS308', 'LS306'];

/** Duplicate database; the same, found by the unique index when another process was first by a moment. */
const ALREADY_THERE = ['42P04', '23505'];
const FORBIDDEN = '42501';

export interface CreateDatabase {
  readonly database: string;
  /** A session in another database of the same server. */
  readonly open: (database: string) => Promise<Session>;
}

/** True if this call made it, false if another process was first. Throws LS305, LS306, LS310, LS311, LS3xx. */
export async function createDatabase(options: CreateDatabase): Promise<boolean> {
  const { database } = options;
  const session = await openMaintenance(options);
  try {
    if (!session.isDirect) throw throughPooler(database);
    if (await exists(session, database)) return false;
    await session.run(`CREATE DATABASE ${identifier(database)}${templateIn(session)}`);
    return true;
  } catch (error) {
    if (!(error instanceof pg.DatabaseError)) throw error;
    if (ALREADY_THERE.includes(error.code ?? '')) return false;
    if (error.code === FORBIDDEN) throw mayNotCreate(session, database, error);
    const known = databaseError(error);
    throw known.code === 'LS901' ? notCreated(database, error) : known;
  } finally {
    await session.end();
  }
}

async function openMaintenance({ database, open }: CreateDatabase): Promise<Session> {
  let last: unknown;
  for (const maintenance of MAINTENANCE_DATABASES) {
    try {
      return await open(maintenance);
    } catch (error) {
      if (!(error instanceof LockstepError) || !TRY_THE_NEXT.includes(error.code)) throw error;
      last = error;
    }
  }
  throw noWayIn(database, last);
}

/** The default, template1, cannot be copied while others are in it: several that create from there would all fail. */
const templateIn = ({ facts }: Session): string =>
  facts.database === 'template1' ? ' TEMPLATE template0' : '';

/** What is there needs no right to make it. */
async function exists(session: Session, database: string): Promise<boolean> {
  const rows = await session.run(
    `SELECT FROM pg_catalog.pg_database d WHERE d.datname OPERATOR(pg_catalog.=) ${literal(database)}`,
  );
  return rows.length > 0;
}

const throughPooler = (database: string): LockstepError =>
  new LockstepError('LS310', {
    what: `The database ${database} does not exist, and is not created through a pooler.`,
    state: NOTHING_CHANGED,
    remedy: "Give the server's direct address, or create the database yourself and add it to the pooler.",
  });

const noWayIn = (database: string, cause: unknown): LockstepError =>
  new LockstepError('LS311', {
    what: `The database ${database} does not exist, and this login can open neither ${MAINTENANCE_DATABASES.join(' nor ')} to create it from there.`,
    state: NOTHING_CHANGED,
    remedy:
      'Let the login connect to the database postgres (GRANT CONNECT; behind a pooler give the direct address), or create the database yourself.',
    cause,
  });

const mayNotCreate = ({ facts }: Session, database: string, cause: unknown): LockstepError =>
  new LockstepError('LS306', {
    what: `The database ${database} does not exist, and ${facts.actingAs} may not create databases.`,
    state: NOTHING_CHANGED,
    remedy: `Have an administrator run ALTER ROLE ${identifier(facts.actingAs)} CREATEDB, or create the database with this role as its owner.`,
    context: { role: facts.actingAs },
    cause,
  });

const notCreated = (database: string, cause: Error): LockstepError =>
  new LockstepError('LS311', {
    what: `The database ${database} does not exist and could not be created: ${cause.message}.`,
    state: NOTHING_CHANGED,
    remedy:
      'Put right what the server says, or create the database yourself; then run the same command again.',
    cause,
  });
