/**
 * Containers without an engine: a folder laid out as examples/entrypoint/Dockerfile says, and the commands of manifests as
 * processes in it, with nothing of this machine's environment. The command `lockstep` is the checkout's own.
 *
 * The migrations take a while between a first one, with which a server could start, and a last one, without which it would
 * serve nonsense. The server writes down what it finds.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { chmod, cp, mkdir, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { text } from 'node:stream/consumers';
import { pathToFileURL } from 'node:url';
import { onTestFinished } from 'vitest';
import { type Ended, folderWith, type Started, type Variables } from '../cli/command-line.ts';
import { databaseForTest } from '../cli/database-content.ts';
import { selfSigned } from '../support/certificate.ts';
import { COMPILE_CACHE } from '../support/compile-cache.ts';
import { queryRows } from '../support/postgres.ts';
import { EXAMPLES } from './manifests.ts';

const ROOT = join(EXAMPLES, '..');

const MIGRATIONS = {
  '0001_orders.sql': 'CREATE TABLE orders (id int); CREATE TABLE served (orders int);',
  '0002_pause.sql': 'SELECT pg_sleep(0.5);',
  '0003_first_order.sql': 'INSERT INTO orders VALUES (1);',
};

const SERVER = `import pg from 'pg';
console.log('starting to serve');
const client = new pg.Client(process.env.DATABASE_URL);
await client.connect();
await client.query('INSERT INTO served SELECT count(*) FROM orders');
await client.end();
`;

export interface Container {
  readonly folder: string;
  start(command: readonly string[], environment: Variables): Started;
  run(command: readonly string[], environment: Variables): Promise<Ended>;
  /** A program of this name, first on the path. */
  program(name: string, script: string): Promise<void>;
}

const nodeScript = (file: string) => `#!/bin/sh\nexec '${process.execPath}' '${file}' "$@"\n`;

export async function container(migrations: Variables = MIGRATIONS): Promise<Container> {
  const { certificatePem } = selfSigned({ dns: 'db.example.com' });
  const files = { 'package.json': '{ "type": "module" }', 'server.js': SERVER, 'ca.pem': certificatePem };
  const folder = await folderWith(files);
  const programs = join(folder, 'node_modules', '.bin');
  await mkdir(programs, { recursive: true });
  await mkdir(join(folder, 'migrations'));
  for (const [name, sql] of Object.entries(migrations))
    await writeFile(join(folder, 'migrations', name), sql);
  await cp(join(EXAMPLES, 'entrypoint', 'start.sh'), join(folder, 'start.sh'));
  await symlink(join(ROOT, 'node_modules', 'pg'), join(folder, 'node_modules', 'pg'));
  await installGate(join(folder, 'node_modules', 'lockstep'));
  const program = async (name: string, script: string) => {
    await writeFile(join(programs, name), script);
    await chmod(join(programs, name), 0o755);
  };
  await program('lockstep', nodeScript(join(ROOT, 'bin', 'lockstep.ts')));
  const PATH = [programs, dirname(process.execPath), process.env.PATH].join(':');
  const start = ([name = '', ...args]: readonly string[], environment: Variables): Started => {
    const child = spawn(name, args, {
      cwd: folder,
      env: { PATH, HOME: process.env.HOME, ...COMPILE_CACHE, ...environment },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    onTestFinished(() => void child.kill('SIGKILL'));
    return { child, ended: endOf(child) };
  };
  return { folder, start, run: (command, environment) => start(command, environment).ended, program };
}

/** The package, as far as an app imports it. */
async function installGate(at: string): Promise<void> {
  await mkdir(at);
  const exports = { './gate': './gate.js' };
  await writeFile(join(at, 'package.json'), JSON.stringify({ name: 'lockstep', type: 'module', exports }));
  await writeFile(join(at, 'gate.js'), `export * from '${pathToFileURL(join(ROOT, 'lib', 'gate.ts'))}';\n`);
}

async function endOf(child: ChildProcess): Promise<Ended> {
  const exit = new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  const [exitCode, stdout, stderr] = await Promise.all([exit, text(child.stdout!), text(child.stderr!)]);
  return { exitCode, stdout, stderr };
}

export interface Place extends Container {
  readonly url: string;
  /** What a platform puts in the place of the values in its manifest: the server of the tests has no TLS. */
  readonly variables: Variables;
  /** What the servers found: the number of orders, of each. */
  served(): Promise<number[]>;
  /** The runs that applied something, and how many entries the ledger has. */
  runs(): Promise<{ readonly runs: number; readonly entries: number }>;
}

function variablesOf(url: string): Variables {
  const { hostname, port, username, password, pathname } = new URL(url);
  return {
    DATABASE_URL: `${url}?sslmode=disable`,
    PGSSLROOTCERT: 'ca.pem',
    PGHOST: hostname,
    PGPORT: port,
    PGUSER: username,
    PGPASSWORD: password,
    PGDATABASE: pathname.slice(1),
    PGSSLMODE: 'disable',
  };
}

/** A container and an empty database for it. */
export async function place(migrations?: Variables): Promise<Place> {
  const { url } = await databaseForTest();
  const rows = <Row extends object>(sql: string) => queryRows<Row>(url, sql);
  return {
    ...(await container(migrations)),
    url: `${url}?sslmode=disable`,
    variables: variablesOf(url),
    served: async () =>
      (await rows<{ orders: number }>('SELECT orders FROM served')).map(({ orders }) => orders),
    runs: async () =>
      (
        await rows<{ runs: number; entries: number }>(
          'SELECT count(DISTINCT run_id)::int AS runs, count(*)::int AS entries FROM lockstep.entry',
        )
      )[0]!,
  };
}
