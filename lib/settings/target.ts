import { readFileSync } from 'node:fs';
import { type DatabaseConfig, readDatabaseConfig } from '../adapters/postgres/config.ts';
import { type LeaseLocation, readLeaseLocation } from './lease-location.ts';

export interface TargetOptions {
  /** Else DATABASE_URL, else PGHOST, PGPORT, PGUSER, PGPASSWORD, PGDATABASE, PGSSLMODE, PGSSLROOTCERT. */
  readonly databaseUrl?: string | undefined;
  /** `postgres` or `dynamodb://TABLE`. Else LOCKSTEP_LEASE, else `postgres`. */
  readonly lease?: string | undefined;
  /** The lease's key. Else LOCKSTEP_TARGET, else the database's name. */
  readonly target?: string | undefined;
}

/** One database to migrate, and where its lease is. */
export interface TargetSettings {
  readonly database: DatabaseConfig;
  readonly lease: LeaseLocation;
  readonly target: string;
}

/** Also what a proxy or an endpoint of a cluster is called. */
const RDS_HOST = /\.rds\.amazonaws\.com(\.cn)?$/;

/** RDS has authorities of its own, which Node does not know; RDS Proxy has one of those that it knows. */
function authoritiesFor({ host, tls }: DatabaseConfig): DatabaseConfig['caPem'] {
  if (tls === 'disable' || !RDS_HOST.test(host)) return undefined;
  return async () => {
    const [{ rdsAuthorities }, { rootCertificates }] = await Promise.all([
      import('../adapters/rds/authorities.ts'),
      import('node:tls'),
    ]);
    return [...rootCertificates, rdsAuthorities(Date.now())].join('\n');
  };
}

/** Adds to `problems`, and is undefined when the database is one of them. */
export function readTarget(
  options: TargetOptions,
  env: NodeJS.ProcessEnv,
  problems: string[],
): TargetSettings | undefined {
  const readFile = (path: string) => readFileSync(path, 'utf8');
  const given = readDatabaseConfig({ url: options.databaseUrl, env, readFile }, problems);
  const database = given && { ...given, caPem: given.caPem ?? authoritiesFor(given) };
  const lease = readLeaseLocation(options.lease ?? (env.LOCKSTEP_LEASE || 'postgres'), problems);
  const target = options.target ?? (env.LOCKSTEP_TARGET || database?.database);
  return database && target !== undefined ? { database, lease, target } : undefined;
}
