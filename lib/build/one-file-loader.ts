/** In the one file of the command: finds, compiles and runs the texts that one-file.ts put there, and says how they are written. */
import { join } from 'node:path';
import { setImmediate as othersTurn } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { CodeCache } from './code-cache.ts';

/** The end of a comment, as it is written inside of one: esbuild escapes control characters, so no text has it. */
export const COMMENT_END = '*/';
export const ESCAPED_END = '*\u0001/';

/** A text is that of a function that takes these. */
export const PARAMETERS = 'exports, require, module, __filename, __dirname, lockstepUrl, lockstepImport';

/** Where a text is among all texts, and which others it imports before it runs, in their order. */
export type Place = readonly [start: number, end: number, needs: readonly string[], isCompressed: 0 | 1];

export interface Texts {
  readonly places: Readonly<Record<string, Place>>;
  /** With all texts in its comment. */
  readonly commented: () => void;
  /** Of all texts. */
  readonly digest: string;
  /** The folder that the texts believe themselves to be in: that of the parser's WebAssembly, which one of them reads. */
  readonly directory: string;
  /** Node's own. */
  readonly require: NodeJS.Require;
}

type Load = (name: string) => unknown;

/** Characters of pieces that are loaded without a look whether something came in: a turn costs as much as a small piece. */
const AT_ONCE = 10_000;

export function loaderOf({ places, commented, digest, directory, require }: Texts): Load {
  const source = commented.toString();
  const texts = source.indexOf('/*') + 2;
  const base = pathToFileURL(directory).href;
  const loaded = new Map<string, { exports: object }>();
  const cache = openCache(directory, digest);

  function load(name: string): unknown {
    const known = loaded.get(name);
    if (known) return known.exports;
    const place = places[name];
    if (!place) return require(name);
    const module = { exports: {} };
    loaded.set(name, module);
    const url = base + name.slice(1);
    const run = cache.compile(name, textAt(place), url).runInThisContext();
    run(module.exports, load, module, join(directory, name), directory, url, loadInPieces);
    return module.exports;
  }

  function textAt([start, end, , isCompressed]: Place): string {
    const text = source.slice(texts + start, texts + end);
    if (!isCompressed) return text.replaceAll(ESCAPED_END, COMMENT_END);
    // Loaded only here, because it takes as long as all of these texts together.
    const { brotliDecompressSync }: typeof import('node:zlib') = require('node:zlib');
    return brotliDecompressSync(Buffer.from(text, 'base64url')).toString('utf8');
  }

  async function loadInPieces(name: string): Promise<unknown> {
    let characters = 0;
    for (const piece of piecesOf(name, new Set())) {
      if (loaded.has(piece)) continue;
      load(piece);
      const [start, end] = places[piece]!;
      characters += end - start;
      if (characters < AT_ONCE) continue;
      await othersTurn();
      characters = 0;
    }
    return load(name);
  }

  function piecesOf(name: string, seen: Set<string>): string[] {
    if (seen.has(name)) return [];
    seen.add(name);
    return [...places[name]![2].flatMap((needed) => piecesOf(needed, seen)), name];
  }

  return load;
}

/** Its file is made by each release of Node for itself. The switch is Node's own, for its own cache. */
function openCache(directory: string, digest: string): CodeCache {
  const file = join(directory, `compiled-${process.version}-${process.platform}-${process.arch}`);
  const isWanted = !process.env.NODE_DISABLE_COMPILE_CACHE;
  const cache = new CodeCache(isWanted ? file : undefined, digest);
  process.once('exit', () => cache.save());
  return cache;
}
