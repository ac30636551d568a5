import { describe, expect, it } from 'vitest';
import { databaseConfigFrom, isLocal } from '../../lib/adapters/postgres/index.ts';
import { errorOf } from '../support/compile.ts';

type Env = Readonly<Record<string, string>>;

const readFile = (path: string): string => {
  if (path.startsWith('/missing')) throw new Error('ENOENT');
  return `certificate in ${path}`;
};
const configFrom = (url?: string, env: Env = {}) => databaseConfigFrom({ url, env, readFile });

describe('where the database is', () => {
  it.each<[string, string | undefined, Env, object]>([
    [
      'a whole URL',
      'postgres://ann:word@db.example.com:6432/shop',
      {},
      { host: 'db.example.com', port: 6432, database: 'shop', user: 'ann', password: 'word', tls: 'verify' },
    ],
    [
      'percent-encoded parts',
      'postgres://a%40b:p%40%2F%3A%25%23%20w@h/d%62',
      {},
      { user: 'a@b', password: 'p@/:%# w', database: 'db', host: 'h' },
    ],
    ['a percent sign that begins no escape', 'postgres://ann:100%@h/db', {}, { password: '100%' }],
    ['IPv6', 'postgresql://[2001:db8::1]:5433/db', {}, { host: '2001:db8::1', port: 5433, tls: 'verify' }],
    ['the IPv6 loopback', 'postgres://[::1]/db', {}, { host: '::1', tls: 'disable' }],
    [
      'a socket, percent-encoded',
      'postgres://ann@%2Fvar%2Frun/db',
      {},
      { host: '/var/run', tls: 'disable', user: 'ann' },
    ],
    ['a socket as a parameter', 'postgres:///db?host=/tmp', {}, { host: '/tmp', database: 'db' }],
    [
      'a socket as a parameter, and a user',
      'postgres://ann:w@/db?host=/tmp',
      {},
      { host: '/tmp', user: 'ann', password: 'w' },
    ],
    [
      'settings of the session',
      'postgres://h/db?options=-csearch_path%3Dapp%20-c%20work_mem=8MB',
      { PGOPTIONS: '-c search_path=other' },
      { host: 'h', options: '-csearch_path=app -c work_mem=8MB' },
    ],
    [
      'settings of the session by a variable',
      'postgres://h/db',
      { PGOPTIONS: '-c search_path=app' },
      { options: '-c search_path=app' },
    ],
    ['a URL without a host', 'postgres:///db', {}, { host: 'localhost', tls: 'disable' }],
    [
      'variables only',
      undefined,
      { PGHOST: 'h', PGPORT: '1', PGUSER: 'ann', PGPASSWORD: 'w', PGDATABASE: 'd' },
      { host: 'h', port: 1, user: 'ann', password: 'w', database: 'd' },
    ],
    [
      'variables for what the URL leaves out',
      'postgres://h/db',
      { PGHOST: 'other', PGPORT: '6000', PGUSER: 'ann', PGPASSWORD: 'w', PGDATABASE: 'd' },
      { host: 'h', port: 6000, user: 'ann', password: 'w', database: 'db' },
    ],
    [
      'a URL that is given beats DATABASE_URL',
      'postgres://h/db',
      { DATABASE_URL: 'postgres://no/no' },
      { host: 'h', database: 'db' },
    ],
    [
      'DATABASE_URL beats PGHOST',
      undefined,
      { DATABASE_URL: 'postgres://h/db', PGHOST: 'no' },
      { host: 'h' },
    ],
    ['the database of the name of the user', 'postgres://ann@h', {}, { database: 'ann' }],
    ['connect_timeout in seconds', 'postgres://h/db?connect_timeout=7', {}, { connectBudgetMs: 7_000 }],
    ['PGCONNECT_TIMEOUT', 'postgres://h/db', { PGCONNECT_TIMEOUT: '0.5' }, { connectBudgetMs: 500 }],
  ])('%s', (_, url, env, expected) => {
    expect(configFrom(url, env)).toMatchObject(expected);
  });

  it('without a password none is set: an empty one would be sent', () => {
    expect(configFrom('postgres://ann:@h/db')).not.toHaveProperty('password');
  });
});

describe('whether TLS is used', () => {
  it.each<[string, Env, 'verify' | 'disable']>([
    ['postgres://h/db', {}, 'verify'],
    ['postgres://h/db?sslmode=require', {}, 'verify'],
    ['postgres://h/db?sslmode=prefer', {}, 'verify'],
    ['postgres://h/db?sslmode=', { PGSSLMODE: '' }, 'verify'],
    ['postgres://h/db?ssl=false', {}, 'verify'],
    ['postgres://h/db?sslmode=disable', {}, 'disable'],
    ['postgres://h/db', { PGSSLMODE: 'disable' }, 'disable'],
    ['postgres://h/db?sslmode=verify-full', { PGSSLMODE: 'disable' }, 'verify'],
    ['postgres://localhost/db', {}, 'disable'],
    ['postgres://localhost/db?sslmode=require', {}, 'verify'],
    ['postgres://localhost/db?sslmode=prefer', {}, 'disable'],
  ])('%s %o: %s', (url, env, tls) => {
    expect(configFrom(url, env).tls).toBe(tls);
  });

  it.each([
    ['localhost', true],
    ['127.9.8.7', true],
    ['::1', true],
    ['/var/run', true],
    ['10.0.0.1', false],
    ['localhost.example.com', false],
    ['127.0.0.1.example.com', false],
    ['2001:db8::1', false],
  ])('%s is local: %s', (host, local) => {
    expect(isLocal(host)).toBe(local);
  });

  it('takes certificates from sslrootcert, or PGSSLROOTCERT; `system` means those of Node', () => {
    const caOf = (url: string, env: Env = {}) => configFrom(url, env).caPem;
    expect(caOf('postgres://h/db?sslrootcert=/ca.pem', { PGSSLROOTCERT: '/other.pem' })).toBe(
      'certificate in /ca.pem',
    );
    expect(caOf('postgres://h/db', { PGSSLROOTCERT: '/other.pem' })).toBe('certificate in /other.pem');
    expect(caOf('postgres://h/db?sslrootcert=system')).toBeUndefined();
  });
});

describe('problems', () => {
  it.each<[string, string | undefined, Env, RegExp]>([
    ['nothing is named', undefined, {}, /no database is named: set DATABASE_URL, or PGHOST/],
    ['another kind of URL', 'mysql://ann:word-9@h/db', {}, /does not begin with postgres/],
    ['a connection string', 'host=h password=word-9', {}, /does not begin with postgres/],
    ['an unencoded #', 'postgres://ann:word-9#x@h/db', {}, /must be percent-encoded/],
    ['an unencoded /', 'postgres://ann:word-9/x@h/db', {}, /must be percent-encoded/],
    ['a port of letters', 'postgres://ann:word-9@h/db', { PGPORT: 'x' }, /port is not a number/],
    ['a mode that does not verify', 'postgres://ann:word-9@h/db?sslmode=no-verify', {}, /no-verify is not/],
    ['a client certificate', 'postgres://ann:word-9@h/db?sslcert=/c&sslkey=/k', {}, /client certificates/],
    [
      'a client certificate of libpq',
      'postgres://ann:word-9@h/db',
      { PGSSLCERT: '/c' },
      /client certificates/,
    ],
    ['two hosts', 'postgres://ann:word-9@h1,h2/db', {}, /more than one host/],
    ['no time to connect', 'postgres://ann:word-9@h/db?connect_timeout=0', {}, /connect_timeout/],
  ])('%s', (_, url, env, says) => {
    const error = errorOf(() => configFrom(url, { ...env, PGPASSWORD: 'word-9' }));
    expect(error).toMatchObject({ code: 'LS102', what: expect.stringMatching(says) });
    expect(`${JSON.stringify(error)} ${error.stack} ${String(error.cause)}`).not.toContain('word-9');
  });

  it('all at once', () => {
    const url = 'postgres://h/db?sslmode=maybe&sslrootcert=/missing.pem&connect_timeout=soon';
    const { what } = errorOf(() => configFrom(url, { PGPORT: '70000' }));
    expect(what).toMatch(
      /the port .*; sslmode=maybe .*; the certificate file \/missing\.pem .*; connect_timeout/,
    );
  });
});
