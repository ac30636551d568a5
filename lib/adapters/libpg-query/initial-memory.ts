/**
 * A WebAssembly module with less memory to begin with; it grows as before.
 *
 * V8 counts a module's memory as used from the start, and 64 MB of that are enough for it to look through its whole heap for
 * garbage: 5 ms on two processors in a command, and far more in an app with much on its heap. This module asks for 128 MiB,
 * and needs 33 for its stack and its data, and some more for small texts.
 */

/** MiB, whole ones. */
export const INITIAL_MIB = 40;

const PAGES_PER_MIB = 16;
/** Behind what every module begins with, and a version. */
const FIRST_SECTION = 8;
/** https://webassembly.github.io/spec/core/binary/modules.html: sections have an id and a size; this is the one of memories. */
const MEMORY_SECTION = 5;
/** One memory, with a limit to its growth. */
const ONE_WITH_LIMIT: readonly number[] = [1, 1];

/** The bytes themselves if it asks for no more, or has no such memory. */
export function withLessMemory(module: Buffer): Buffer {
  const memory = memoryOf(module);
  if (memory === undefined) return module;
  const { start, end, pages } = memory;
  const wanted = INITIAL_MIB * PAGES_PER_MIB;
  if (pages <= wanted) return module;
  const changed = Buffer.from(module);
  changed.set(leb128(wanted, end - start), start);
  return changed;
}

/** Where a module says how many pages it begins with. */
function memoryOf(module: Buffer): { start: number; end: number; pages: number } | undefined {
  for (let at = FIRST_SECTION; at < module.length; ) {
    const size = readLeb128(module, at + 1);
    if (module[at] === MEMORY_SECTION) {
      const isKnown = ONE_WITH_LIMIT.every((byte, i) => module[size.end + i] === byte);
      const start = size.end + ONE_WITH_LIMIT.length;
      const { value, end } = readLeb128(module, start);
      return isKnown ? { start, end, pages: value } : undefined;
    }
    at = size.end + size.value;
  }
  return undefined;
}

/** Seven bits in a byte, the lowest ones first; the eighth says that there are more. */
function readLeb128(bytes: Buffer, start: number): { value: number; end: number } {
  let value = 0;
  for (let at = start; ; at += 1) {
    const byte = bytes[at] ?? 0;
    value += (byte & 0x7f) * 128 ** (at - start);
    if (byte < 0x80) return { value, end: at + 1 };
  }
}

/** In as many bytes as there are: zeros above are allowed. */
const leb128 = (value: number, length: number): number[] =>
  Array.from({ length }, (_, i) => (Math.floor(value / 128 ** i) % 128) + (i < length - 1 ? 0x80 : 0));
