/**
 * The command as one file. It has its modules as texts, each of which is compiled when it is asked for: what a command
 * does not need costs its start nothing. In one file as bundlers make it all of that is looked through first, 600 KB of
 * AWS SDK that most commands never touch; several files are slower, and harder to copy. See docs/performance.md, F.
 *
 * The texts are the comment in the body of a function, and are taken from what the function says of itself
 * (Function.prototype.toString, which ECMAScript 2019 makes the exact source): a comment is the fastest that a JavaScript
 * engine can pass over, and as strings they would be looked through, and copied, before the first line runs. What is
 * in no hurry is compressed there: what is not read is not waited for.
 * one-file-loader.ts is in the file, too, and finds and runs them; what V8 compiles of them is kept by code-cache.ts.
 *
 * Invariants: the texts are what esbuild makes of the ES modules that it splits the program into; a text is run once, at
 * the first `require` of its name, before which its exports are there already, so that two may import each other. What
 * an `import()` needs is run piece by piece, in the order of ES modules, and between two pieces what came in meanwhile is
 * answered: the server, to which a connection is being made. What can fail: nothing that could not fail in a module of
 * Node's; a name that is no text's is Node's own `require`. The build fails if it does not find every `import()`.
 */
import { createHash } from 'node:crypto';
import { basename } from 'node:path';
import { brotliCompressSync } from 'node:zlib';
import { buildSync, type Metafile, type OutputFile, transformSync } from 'esbuild';
import { CHUNKS, type Published, publishedPieces } from './esbuild-options.ts';
import { COMMENT_END, ESCAPED_END, PARAMETERS, type Place } from './one-file-loader.ts';

export interface OneFile {
  readonly text: string;
  readonly metafile: Metafile;
}

/** @param entry exports `runCli`. @param root of the checkout. Throws esbuild's BuildFailure. */
export function commandFile(root: string, entry: string, published: Published): OneFile {
  const { outputFiles, metafile } = buildSync({
    ...publishedPieces({ [ENTRY]: entry }, published),
    absWorkingDir: root,
  });
  const outputs = new Map(Object.entries(metafile.outputs).map(([path, output]) => [basename(path), output]));
  const pieces = outputFiles.map((file) => pieceOf(file, outputs.get(basename(file.path))!.imports));
  const urgent = [entry, ...URGENT];
  // What is installed may be elsewhere.
  const isUrgent = (entryPoint = '') => urgent.some((source) => entryPoint.endsWith(source));
  const found = [...outputs].flatMap(([name, { entryPoint }]) => (isUrgent(entryPoint) ? [`./${name}`] : []));
  if (found.length !== urgent.length) {
    throw new Error(`Of ${urgent.join(', ')} only ${found.join(', ')} were found.`);
  }
  return { text: program(root, pieces, neededBy(found, pieces)), metafile };
}

const ENTRY = 'command';

/**
 * Beside the entry, what `lockstep up` imports before it knows whether something is pending; and what it compiles and applies
 * with, while others wait for it.
 */
const URGENT = [
  'lib/cli/up.ts',
  'lib/cli/up-result.ts',
  'lib/adapters/filesystem/index.ts',
  'lib/adapters/postgres/ledger.ts',
  'lib/engine/turn.ts',
  'lib/engine/apply.ts',
  'node_modules/libpg-query/wasm/index.js',
  'lib/core/plan/compile/migration.ts',
];

interface Piece {
  readonly name: string;
  readonly text: string;
  /** Names of those that it imports before it runs, in their order. */
  readonly needs: readonly string[];
}

type Import = Metafile['outputs'][string]['imports'][number];

function pieceOf({ path, text }: OutputFile, imports: readonly Import[]): Piece {
  const name = basename(path);
  const own = imports.filter(({ external }) => !external);
  const dynamic = new Set(own.filter(({ kind }) => kind === 'dynamic-import').map((i) => basename(i.path)));
  const found = new Set<string>();
  const esm = text.replaceAll(/\bimport\("\.\/([^"]+)"\)/g, (_, imported: string) => {
    found.add(imported);
    return `lockstepImport("./${imported}")`;
  });
  const [told, seen] = [dynamic, found].map((names) => [...names].sort().join(', '));
  if (told !== seen) throw new Error(`${name} imports ${told}; what was found is ${seen}.`);
  const needs = own.filter(({ kind }) => kind === 'import-statement').map((i) => `./${basename(i.path)}`);
  return { name: `./${name}`, text: commonJs(esm), needs };
}

function neededBy(names: readonly string[], pieces: readonly Piece[]): ReadonlySet<string> {
  const needs = new Map(pieces.map((piece) => [piece.name, piece.needs]));
  const found = new Set(names);
  // What is added is visited, too.
  for (const name of found) for (const needed of needs.get(name)!) found.add(needed);
  return found;
}

/** What of Node's it imports with `import()` is a `require`, too. */
function commonJs(esm: string): string {
  const { code } = transformSync(esm, {
    format: 'cjs',
    target: 'node20',
    supported: { 'dynamic-import': false },
    minify: true,
  });
  // In parentheses an engine compiles it at once, and not after having looked through it.
  return `(function (${PARAMETERS}) {${code}})`;
}

function program(root: string, pieces: readonly Piece[], plain: ReadonlySet<string>): string {
  const places: Record<string, Place> = {};
  let texts = '';
  for (const { name, text, needs } of pieces) {
    if (text.includes(ESCAPED_END))
      throw new Error(`${name} has the characters that stand for a comment's end.`);
    const start = texts.length;
    const isPlain = plain.has(name);
    texts += isPlain
      ? text.replaceAll(COMMENT_END, ESCAPED_END)
      : brotliCompressSync(text).toString('base64url');
    places[name] = [start, texts.length, needs, isPlain ? 0 : 1];
  }
  const digest = createHash('sha256').update(texts).digest('hex');
  return `#!/usr/bin/env node
'use strict';
const places = ${JSON.stringify(places)};
function commented() {/*${texts}*/}
${loader(root)}
const directory = require('node:path').join(__dirname, '${CHUNKS}');
const load = ${LOADER}.loaderOf({ places, commented, digest: '${digest}', directory, require });
load('./${ENTRY}.js').runCli(process.argv.slice(2));
`;
}

const LOADER = 'lockstepLoader';

function loader(root: string): string {
  const { outputFiles } = buildSync({
    entryPoints: ['lib/build/one-file-loader.ts'],
    absWorkingDir: root,
    bundle: true,
    write: false,
    platform: 'node',
    target: 'node20',
    format: 'iife',
    globalName: LOADER,
    minify: true,
  });
  return outputFiles[0]!.text;
}
