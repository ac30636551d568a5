/**
 * The command as one file. It has its modules as texts, each of which is compiled when it is asked for: what a command
 * does not need costs its start nothing. In one file as bundlers make it all of that is looked through first, 600 KB of
 * AWS SDK that most commands never touch; several files are slower, and harder to copy. See docs/performance.md, F.
 *
 * Invariants: the texts are what esbuild makes of the ES modules that it splits the program into; a text is run once, at
 * the first `require` of its name, before which its exports are there already, so that two may import each other. What can
 * fail: nothing that could not fail in a module of Node's; a name that is no text's is Node's own `require`.
 */
import { basename } from 'node:path';
import { buildSync, type Metafile, transformSync } from 'esbuild';
import { CHUNKS, type Published, publishedPieces } from './esbuild-options.ts';

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
  const pieces = outputFiles.map(({ path, text }) => [`./${basename(path)}`, commonJs(text)]);
  return { text: program(Object.fromEntries(pieces)), metafile };
}

const ENTRY = 'command';

/** `import()` as `require`, which the texts are given. */
const commonJs = (esm: string): string =>
  transformSync(esm, {
    format: 'cjs',
    target: 'node20',
    supported: { 'dynamic-import': false },
    minify: true,
  }).code;

/** Its pieces believe themselves to be in the folder of the parser's WebAssembly, which one of them reads. */
const program = (pieces: Readonly<Record<string, string>>): string => `#!/usr/bin/env node
'use strict';
const { join } = require('node:path');
const { pathToFileURL } = require('node:url');
const { compileFunction } = require('node:vm');
const TEXTS = ${JSON.stringify(pieces)};
const loaded = new Map();
const directory = join(__dirname, '${CHUNKS}');
function load(name) {
  const known = loaded.get(name);
  if (known) return known.exports;
  if (!(name in TEXTS)) return require(name);
  const module = { exports: {} };
  loaded.set(name, module);
  const file = join(directory, name);
  const url = pathToFileURL(file).href;
  const run = compileFunction(TEXTS[name], ['exports', 'require', 'module', '__filename', '__dirname', 'lockstepUrl'], { filename: url });
  run(module.exports, load, module, file, directory, url);
  return module.exports;
}
load('./${ENTRY}.js').runCli(process.argv.slice(2)).then((exitCode) => { process.exitCode = exitCode; });
`;
