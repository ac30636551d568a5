/**
 * What the engine has made of the command's texts, kept in a file beside them: compiling them anew is a quarter of the
 * time until the first query (docs/performance.md, F).
 *
 * Who is authoritative: the texts. A file that is not whole, or was made of other texts, is as good as none: V8 compares
 * versions and flags with its own, but not whether the bytes are those that it once gave, and of wrong ones a process dies.
 *
 * Invariants: the file is in the program's own folder, so that whoever can change it could change the program, too; a
 * folder for all users would not have that. It is replaced as a whole, when a run ends that compiled something. V8 takes
 * only what was made with its own flags, so that who changes them (lib/adapters/libpg-query) changes them back.
 *
 * What can fail: to read and to write it, for example in an image, where the folder is somebody else's. Then all is
 * compiled, as it was without the file.
 */
import { createHash } from 'node:crypto';
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { Script } from 'node:vm';

/** Of a longer run the engine may have thrown code away that it had not used for some time. */
const LONGEST_RUN_S = 60;
const HASH_BYTES = 32;
const LENGTH_BYTES = 4;

export class CodeCache {
  readonly #file: string | undefined;
  readonly #digest: string;
  readonly #codes: Map<string, Buffer>;
  readonly #scripts = new Map<string, Script>();
  #isWorthSaving = false;

  /** @param file none is read or written without it. @param digest of all texts. */
  constructor(file: string | undefined, digest: string) {
    this.#file = file;
    this.#digest = digest;
    this.#codes = file === undefined ? new Map() : this.#read(file);
  }

  compile(name: string, text: string, filename: string): Script {
    const cachedData = this.#codes.get(name);
    const script = new Script(text, { filename, cachedData });
    // Of the first text: other flags, or another build of this release. Later ones may come in a moment with other flags.
    if (script.cachedDataRejected && this.#scripts.size === 0) this.#codes.clear();
    this.#isWorthSaving ||= !this.#codes.has(name);
    this.#scripts.set(name, script);
    return script;
  }

  /** At the end of a run: what was compiled only when it was called is in it, too. */
  save(): void {
    const file = this.#file;
    if (file === undefined || !this.#isWorthSaving || process.uptime() > LONGEST_RUN_S) return;
    for (const [name, script] of this.#scripts) this.#codes.set(name, script.createCachedData());
    const sizes = JSON.stringify([...this.#codes].map(([name, code]) => [name, code.length]));
    const length = Buffer.alloc(LENGTH_BYTES);
    length.writeUInt32LE(Buffer.byteLength(sizes));
    const content = Buffer.concat([length, Buffer.from(sizes), ...this.#codes.values()]);
    const replacement = `${file}.new`;
    try {
      writeFileSync(replacement, Buffer.concat([this.#hash(content), content]));
      renameSync(replacement, file);
    } catch {
      // Whoever starts next compiles, too. When several write at once, what comes out may not be whole, and is not used.
    }
  }

  #hash(content: Buffer): Buffer {
    return createHash('sha256').update(this.#digest).update(content).digest();
  }

  #read(file: string): Map<string, Buffer> {
    let whole: Buffer;
    try {
      whole = readFileSync(file);
    } catch {
      return new Map();
    }
    const content = whole.subarray(HASH_BYTES);
    if (!this.#hash(content).equals(whole.subarray(0, HASH_BYTES))) return new Map();
    let start = LENGTH_BYTES + content.readUInt32LE();
    const sizes: [string, number][] = JSON.parse(content.toString('utf8', LENGTH_BYTES, start));
    return new Map(
      sizes.map(([name, size]) => {
        const code = content.subarray(start, start + size);
        start += size;
        return [name, code];
      }),
    );
  }
}
