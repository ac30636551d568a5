/**
 * How the functions reach the database: with the login in a secret, or with an IAM token. Only the code for
 * the one that is used is loaded.
 *
 * The server has to prove its identity. Certificates of Amazon RDS are signed by authorities of its own that
 * are not in Node's list; they lie in a file beside the function's code and are read only to connect.
 */
import { readFile } from 'node:fs/promises';
import { getCACertificates } from 'node:tls';
import type { DatabaseConfig } from '../../lib/adapters/postgres/config.ts';
import { RDS_CA_FILE } from '../../lib/core/workflow/index.ts';
import type { DATABASE_SETTINGS, Settings } from './settings.ts';

export type DatabaseSettings = Settings<(typeof DATABASE_SETTINGS)[number]>;

export type DatabaseLogin = Required<Pick<DatabaseConfig, 'user' | 'password'>>;

/** Throws LS102 or LS301 when the login cannot be read. */
export async function databaseConfig(settings: DatabaseSettings): Promise<DatabaseConfig> {
  const { databaseHost: host, databasePort: port, databaseName: database, databaseTls: tls } = settings;
  const login = await loginOf(settings);
  return { host, port, database, tls, ...login, ...(tls === 'verify' ? { caPem: await authorities() } : {}) };
}

async function loginOf(settings: DatabaseSettings): Promise<DatabaseLogin> {
  const { databaseHost: host, databasePort: port, databaseSecretArn, databaseUser: user = '' } = settings;
  if (databaseSecretArn !== undefined) {
    const { secretLogin } = await import('./secret-login.ts');
    return secretLogin(databaseSecretArn);
  }
  const { iamPassword } = await import('../../lib/adapters/rds/iam-login.ts');
  return { user, password: iamPassword({ host, port, user }) };
}

/** In a checkout, where no RDS is reached, the file is missing: then the server has to be known to Node. */
async function authorities(): Promise<string> {
  const ofRds = await readFile(new URL(RDS_CA_FILE, import.meta.url), 'utf8').catch(() => '');
  return [...getCACertificates('default'), ofRds].join('\n');
}
