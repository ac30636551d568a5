/** F: how much code a tool is, and how long its import takes: what every start of an app pays before all else. */
import { mkdtempSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { type Bench, folderFor, smallMigrations } from '../frame/bench.ts';
import { lockstep } from '../frame/built.ts';
import type { Program } from '../frame/contender.ts';
import { PEERS } from '../frame/peers.ts';
import { run } from '../frame/process.ts';
import { atMost, type CaseResult } from '../frame/result.ts';
import { interleaved } from '../frame/rounds.ts';
import { table, whole } from '../frame/table.ts';

interface Subject {
  readonly name: string;
  /** JavaScript that imports it. */
  readonly source: string;
  readonly sizeKiB: number | undefined;
}

export async function size(bench: Bench): Promise<CaseResult> {
  const subjects: Subject[] = [
    { name: 'Node alone', source: '', sizeKiB: undefined },
    await own(bench),
    await bundled('bare pg', 'pg'),
  ];
  for (const { name, module } of bench.peers) {
    if (module === undefined) continue;
    bench.log(`F: ${name}`);
    subjects.push(await bundled(name, module));
  }
  const settings = { rounds: 3 * bench.rounds, warmUp: true };
  const medians = await interleaved(subjects, settings, async ({ source }) => {
    return (await run(evaluate(source), {}, PEERS)).durationMs;
  });
  const rows = subjects.map(({ name, sizeKiB }, i) => [
    name,
    whole(medians[i]! - medians[0]!),
    whole(sizeKiB),
  ]);
  return {
    tables: table(['import', 'ms over bare Node', 'bundle KiB'], rows.slice(1)),
    targets: [atMost("F: the command's import over bare Node, ms", 60, medians[1]! - medians[0]!, whole)],
  };
}

const evaluate = (source: string): Program => ({
  file: process.execPath,
  args: ['--input-type=module', '-e', source],
});

/** What a peer's user would get who bundles it, with pg, into one minified file. */
async function bundled(name: string, module: string): Promise<Subject> {
  const result = await build({
    stdin: { contents: `export * from ${JSON.stringify(module)};`, resolveDir: PEERS },
    bundle: true,
    write: false,
    minify: true,
    platform: 'node',
    format: 'esm',
    logLevel: 'silent',
    external: OTHER_DATABASES,
  });
  const source = `import ${JSON.stringify(module)};`;
  return { name, source, sizeKiB: result.outputFiles[0]!.contents.length / 1024 };
}

/** Drivers that nobody who has PostgreSQL installs. */
const OTHER_DATABASES = [
  'pg-native',
  'pg-query-stream',
  'better-sqlite3',
  'sqlite3',
  'mysql',
  'mysql2',
  'oracledb',
  'tedious',
  'mssql',
  'mariadb',
];

/** The files of the package that `lockstep up` loads when there is nothing to do, but for the one that starts it. */
async function own(bench: Bench): Promise<Subject> {
  const tool = lockstep(bench.dist);
  const folder = folderFor(bench, tool, smallMigrations(3));
  const { url } = await bench.server.newDatabase();
  await run(tool.up(folder, url));
  const files = await loadedFiles(bench, tool.up(folder, url));
  const sizeKiB = files.reduce((sum, file) => sum + statSync(file).size, 0) / 1024;
  const imports = files
    .filter((file) => !file.endsWith('/lockstep.cjs'))
    .map((file) => `await import(${JSON.stringify(file)});`);
  // As the command itself does before it loads anything.
  const source = ["import module from 'node:module';", 'module.enableCompileCache();', ...imports].join('\n');
  return { name: tool.name, source, sizeKiB };
}

/** Node's own coverage lists every file. */
async function loadedFiles({ scratch, dist }: Bench, program: Program): Promise<string[]> {
  const directory = mkdtempSync(join(scratch, 'coverage-'));
  await run(program, { NODE_V8_COVERAGE: directory });
  const reports = readdirSync(directory).map((file) =>
    JSON.parse(readFileSync(join(directory, file), 'utf8')),
  );
  const urls = reports.flatMap(({ result }: { result: { url: string }[] }) => result.map(({ url }) => url));
  return urls
    .filter((url) => url.startsWith('file:'))
    .map((url) => fileURLToPath(url))
    .filter((file) => file.startsWith(dist));
}
