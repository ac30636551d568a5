import { isUtf8 } from 'node:buffer';
import { LockstepError, NOTHING_CHANGED, type SourcePosition } from '../../errors/index.ts';

const NEWLINE = 0x0a;

/**
 * The bytes of a file that count: all but a UTF-8 byte order mark, which some editors put in front and which
 * PostgreSQL would take for SQL. Checksums are over these bytes, so that they are the checksum of `Script.sql`, too.
 */
export function withoutByteOrderMark(bytes: Buffer): Buffer {
  const hasMark = bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf;
  return hasMark ? bytes.subarray(3) : bytes;
}

/** The text of one file, addressed by byte, as the parser addresses it. */
export class SourceText {
  readonly file: string;
  readonly bytes: Buffer;
  readonly sql: string;
  #lineStarts: readonly number[] | undefined;

  /** `bytes` come without a byte order mark. Throws LS203 when they are not UTF-8 or contain a NUL. */
  constructor(file: string, bytes: Buffer) {
    if (!isUtf8(bytes)) throw notText(file, `line ${firstLineNotUtf8(bytes)} has bytes that are not UTF-8`);
    const nul = bytes.indexOf(0);
    if (nul >= 0) throw notText(file, `line ${lineNumber(bytes, nul)} has a NUL byte`);
    this.file = file;
    this.bytes = bytes;
    this.sql = bytes.toString('utf8');
  }

  /** 1-based line of a byte offset. Logarithmic: a large file can have a finding on every line. */
  lineAt(offset: number): number {
    const starts = this.#starts();
    let [low, high] = [0, starts.length];
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if (starts[middle]! <= offset) low = middle;
      else high = middle;
    }
    return low + 1;
  }

  positionAt(offset: number): SourcePosition {
    const line = this.lineAt(offset);
    const start = this.#starts()[line - 1]!;
    const end = this.#starts()[line] ?? this.bytes.length;
    const text = this.bytes.toString('utf8', start, end).replace(/\r?\n$/, '');
    return { file: this.file, line, column: characters(this.bytes.subarray(start, offset)) + 1, text };
  }

  /** Byte offset of a character; characters are Unicode code points, as PostgreSQL counts them. */
  offsetOfCharacter(character: number): number {
    let seen = 0;
    for (let offset = 0; offset < this.bytes.length; offset++) {
      if (isFirstByte(this.bytes[offset]!) && seen++ === character) return offset;
    }
    return this.bytes.length;
  }

  #starts(): readonly number[] {
    if (this.#lineStarts) return this.#lineStarts;
    const starts = [0];
    for (let at = this.bytes.indexOf(NEWLINE); at >= 0; at = this.bytes.indexOf(NEWLINE, at + 1))
      starts.push(at + 1);
    this.#lineStarts = starts;
    return starts;
  }
}

const isFirstByte = (byte: number): boolean => (byte & 0xc0) !== 0x80;

function characters(bytes: Uint8Array): number {
  let count = 0;
  for (const byte of bytes) if (isFirstByte(byte)) count++;
  return count;
}

function lineNumber(bytes: Buffer, offset: number): number {
  let line = 1;
  for (let at = bytes.indexOf(NEWLINE); at >= 0 && at < offset; at = bytes.indexOf(NEWLINE, at + 1)) line++;
  return line;
}

/** A newline is never a part of a longer sequence, so that lines can be judged one by one. */
function firstLineNotUtf8(bytes: Buffer): number {
  let [line, start] = [1, 0];
  for (let end = bytes.indexOf(NEWLINE); end >= 0; end = bytes.indexOf(NEWLINE, start)) {
    if (!isUtf8(bytes.subarray(start, end))) return line;
    [line, start] = [line + 1, end + 1];
  }
  return line;
}

const notText = (file: string, why: string): LockstepError =>
  new LockstepError('LS203', {
    what: `${file} is not UTF-8 text: ${why}.`,
    state: NOTHING_CHANGED,
    remedy: 'Save the file as UTF-8.',
    context: { file },
  });
