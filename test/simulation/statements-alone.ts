/** The one statement outside a transaction, an index build; and the catalogs that tell what became of it. */
import type { Backend, Row } from './backend.ts';
import { serverError } from './server-error.ts';
import type { Known } from './statements.ts';

const DEADLOCK_TIMEOUT_MS = 1_000;

/** INVALID from its first transaction to its last; in between it waits for whoever has an older one open. */
async function build(backend: Backend, name: string): Promise<readonly Row[]> {
  const { server } = backend;
  const { indexes } = server.database;
  if (indexes.has(name)) throw serverError('42P07', `relation "${name}" already exists`);
  backend.command = 'CREATE INDEX CONCURRENTLY';
  const index = { oid: String(9_000 + server.time.nowMs()), isValid: false, builder: backend };
  const done = backend.begins();
  try {
    indexes.set(name, index);
    await backend.pause(Math.ceil(server.random() * server.sqlMs));
    await waitForOlder(backend);
    backend.writes('the index');
    index.isValid = true;
  } finally {
    (index as { builder: Backend | undefined }).builder = undefined;
    done();
  }
  return [];
}

/** Of these transactions one may wait for the builder's advisory lock: a cycle, which the server breaks after a second. */
async function waitForOlder(backend: Backend): Promise<void> {
  const { server } = backend;
  const older = [...server.backends].filter(
    (other) => other !== backend && (other.state !== 'idle' || other.transaction !== undefined),
  );
  const open = older.map((other) => ({ other, transaction: other.transaction, since: other.stateChangeMs }));
  const isOver = () =>
    open.every(({ other, since, transaction }) =>
      transaction?.isExplicit
        ? other.isEnded || other.transaction !== transaction
        : other.isEnded || other.stateChangeMs !== since || other.state === 'idle',
    );
  const waitsForUs = () => open.some(({ other }) => other.isBlocked && !other.isEnded && backend.locks > 0);
  while (!isOver()) {
    await Promise.race([server.nextChange(), backend.pause(DEADLOCK_TIMEOUT_MS)]);
    if (!isOver() && waitsForUs()) throw serverError('40P01', 'deadlock detected');
  }
}

const nameOf = (path: string): string => path.replaceAll('"', '').split('.').at(-1)!;

export const BUILDING: readonly Known[] = [
  [/^CREATE INDEX CONCURRENTLY (\w+) /, (backend, [name = '']) => build(backend, name)],
  [
    /^DROP INDEX CONCURRENTLY IF EXISTS (\S+)$/,
    async (backend, [path = '']) => {
      await waitForOlder(backend);
      backend.server.database.indexes.delete(nameOf(path));
      return [];
    },
  ],
  [
    /^SELECT pg_catalog\.to_regclass\('(.*)'\)::pg_catalog\.oid AS oid$/,
    ({ server }, [path = '']) => {
      const name = nameOf(path);
      return [{ oid: name === 'effects' ? '1' : (server.database.indexes.get(name)?.oid ?? null) }];
    },
  ],
  [
    /^SELECT pg_catalog\.format\('%I\.%I', n\.nspname, c\.relname\) AS name.*WHERE (.*) ORDER BY c\.oid$/s,
    ({ server }, [condition = '']) => {
      const [, oid] = /i\.indexrelid = (\d+)/.exec(condition) ?? [];
      const [, relname] = /c\.relname = '(\w+)'/.exec(condition) ?? [];
      return [...server.database.indexes]
        .filter(([name, index]) => index.oid === oid || name === relname)
        .map(([name, index]) => ({
          name: `public.${name}`,
          oid: index.oid,
          valid: index.isValid ? 't' : 'f',
          being_built: index.builder ? 't' : 'f',
        }));
    },
  ],
];
