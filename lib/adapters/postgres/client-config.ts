import type pg from 'pg';
import type { DatabaseConfig } from './config.ts';

/** What node-pg needs to know of a database, with the password and the certificates of this moment. */
export async function clientConfig(config: DatabaseConfig): Promise<pg.ClientConfig> {
  const { host, port, database, user, tls, options } = config;
  const password = typeof config.password === 'function' ? await config.password() : config.password;
  const ca = typeof config.caPem === 'function' ? await config.caPem() : config.caPem;
  const ssl = tls === 'verify' ? { rejectUnauthorized: true, ...(ca ? { ca } : {}) } : false;
  return { host, port, database, user, password: password ?? '', ssl, ...(options ? { options } : {}) };
}
