/** F: how much code a tool is, and how long its import takes: what every start of an app pays before all else. */
import { mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { build } from 'esbuild';
import { type Bench, folderFor, smallMigrations } from '../frame/bench.ts';
import { lockstep, WITHOUT_CODE_CACHE, withoutCodeCache } from '../frame/built.ts';
import type { Program } from '../frame/contender.ts';
import { PEERS } from '../frame/peers.ts';
import { run } from '../frame/process.ts';
import { atMost, type CaseResult } from '../frame/result.ts';
import { interleaved } from '../frame/rounds.ts';
import { table, whole } from '../frame/table.ts';
import { firstQuery } from './f-first-query.ts';

interface Subject {
  readonly name: string;
  /** JavaScript that imports it. */
  readonly source: string;
  readonly sizeKiB: number | undefined;
  readonly env?: NodeJS.ProcessEnv;
}

export async function size(bench: Bench): Promise<CaseResult> {
  const subjects: Subject[] = [
    { name: 'Node alone', source: '', sizeKiB: undefined },
    ...(await own(bench)),
    await bundled('bare pg', 'pg'),
  ];
  for (const { name, module } of bench.peers) {
    if (module === undefined) continue;
    bench.log(`F: ${name}`);
    subjects.push(await bundled(name, module));
  }
  const settings = { rounds: 3 * bench.rounds, warmUp: true };
  const medians = await interleaved(subjects, settings, async ({ source, env }) => {
    return (await run(evaluate(source), env, PEERS)).durationMs;
  });
  const rows = subjects.map(({ name, sizeKiB }, i) => [
    name,
    whole(medians[i]! - medians[0]!),
    whole(sizeKiB),
  ]);
  const first = await firstQuery(bench);
  return {
    tables: [table(['import', 'ms over bare Node', 'bundle KiB'], rows.slice(1)), first.tables].join('\n\n'),
    targets: [
      atMost("F: the command's import over bare Node, ms", 60, medians[1]! - medians[0]!, whole),
      atMost('F: the same at the first start in a place', 60, medians[2]! - medians[0]!, whole),
      ...first.targets,
    ],
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

/** The pieces of the command that `lockstep up` loads when there is nothing to do; they are loaded, and nothing is run. */
async function own(bench: Bench): Promise<Subject[]> {
  const tool = lockstep(bench.dist);
  const folder = folderFor(bench, tool, smallMigrations(3));
  const { url } = await bench.server.newDatabase();
  await run(tool.up(folder, url));
  const pieces = await loadedPieces(bench, tool.up(folder, url));
  const command = readFileSync(join(bench.dist, 'lockstep.cjs'), 'utf8');
  const file = join(bench.dist, 'only-loads.cjs');
  const loads = pieces.map(({ name }) => `load(${JSON.stringify(name)});\n`);
  writeFileSync(file, [command.slice(0, command.lastIndexOf('load(')), ...loads].join(''));
  const sizeKiB = pieces.reduce((sum, { bytes }) => sum + bytes, 0) / 1024;
  const subject = { name: tool.name, source: `import ${JSON.stringify(file)};`, sizeKiB };
  return [subject, { ...subject, name: withoutCodeCache(tool).name, env: WITHOUT_CODE_CACHE }];
}

interface Piece {
  readonly name: string;
  readonly bytes: number;
}

/** Node's own coverage lists every text that was compiled; the outermost range of one is its length. */
async function loadedPieces({ scratch, dist }: Bench, program: Program): Promise<Piece[]> {
  const directory = mkdtempSync(join(scratch, 'coverage-'));
  // Of code that is not compiled anew, coverage is less than all.
  await run(program, { ...WITHOUT_CODE_CACHE, NODE_V8_COVERAGE: directory });
  const reports = readdirSync(directory).map((file) =>
    JSON.parse(readFileSync(join(directory, file), 'utf8')),
  );
  const scripts = reports.flatMap(({ result }: { result: Script[] }) => result);
  const chunks = pathToFileURL(join(dist, 'chunks')).href;
  return scripts
    .filter(({ url }) => url.startsWith(chunks))
    .map(({ url, functions }) => ({
      name: url.replace(chunks, '.'),
      bytes: Math.max(...functions.flatMap(({ ranges }) => ranges.map(({ endOffset }) => endOffset))),
    }));
}

interface Script {
  readonly url: string;
  readonly functions: readonly { readonly ranges: readonly { readonly endOffset: number }[] }[];
}
