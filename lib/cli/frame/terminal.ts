/** The two streams that people and scripts read, and whether colour is welcome there. */
import { writeSync } from 'node:fs';

const SGR = { bold: [1, 22], dim: [2, 22], red: [31, 39], green: [32, 39], yellow: [33, 39] } as const;
export type Style = keyof typeof SGR;
export type Paint = (style: Style, text: string) => string;

export interface Output {
  /** Writes whole lines, the last end of line is added: as soon as what goes on now lets go. */
  line(text: string): void;
  readonly paint: Paint;
}

export interface Terminal {
  readonly out: Output;
  /** Progress, waiting and errors: never part of what a script reads. */
  readonly err: Output;
}

interface Ending {
  /**
   * Writes what is not written yet, when nothing else goes on any more. Whether the system has all of it: it has not while
   * who reads from a pipe is behind.
   */
  end(): boolean;
}

/**
 * A stream is opened when it is first written to: that takes a millisecond, and most starts say nothing on stderr. What is
 * said at the end is written without one, which would stop everything else while nobody reads.
 */
export function openTerminal(
  streams: Pick<NodeJS.Process, 'stdout' | 'stderr'>,
  env: NodeJS.ProcessEnv,
  writeNow: WriteNow = writeToFile,
): Terminal & Ending {
  const out = outputOn(
    () => streams.stdout,
    env,
    (text) => writeNow(1, text),
  );
  const err = outputOn(
    () => streams.stderr,
    env,
    (text) => writeNow(2, text),
  );
  return {
    out,
    err,
    end: () => {
      const [isOutWritten, isErrWritten] = [out.end(), err.end()];
      return isOutWritten && isErrWritten;
    },
  };
}

/** Gives back what was not taken. */
export type WriteNow = (file: number, text: string) => Uint8Array;

const writeToFile: WriteNow = (file, text) => {
  const bytes = Buffer.from(text);
  let written = 0;
  try {
    while (written < bytes.length) written += writeSync(file, bytes, written);
  } catch {
    // A full pipe, or one that nobody reads: the stream knows what is to be done.
  }
  return bytes.subarray(written);
};

function outputOn(
  open: () => NodeJS.WriteStream,
  env: NodeJS.ProcessEnv,
  writeNow: (text: string) => Uint8Array,
): Output & Ending {
  let opened: NodeJS.WriteStream | undefined;
  const stream = () => {
    opened ??= open().on('error', rethrowUnlessRead);
    return opened;
  };
  // https://no-color.org: present and not empty, whatever its value.
  const isColoured = () => stream().isTTY === true && !env.NO_COLOR && env.TERM !== 'dumb';
  // A pipe is written to synchronously: between two migrations, the server would wait for that.
  let waiting = '';
  const flush = () => {
    const lines = waiting;
    waiting = '';
    if (lines !== '') stream().write(lines);
  };
  return {
    line: (text) => {
      if (waiting === '') setImmediate(flush);
      waiting += `${text}\n`;
    },
    end: () => {
      if (opened === undefined && waiting !== '') {
        const rest = writeNow(waiting);
        waiting = '';
        if (rest.length > 0) stream().write(rest);
      }
      flush();
      // What a stream could not write it tells only after this.
      return opened === undefined || (opened.writableLength === 0 && !opened.errored);
    },
    paint: (style, text) => (isColoured() ? `\u001b[${SGR[style][0]}m${text}\u001b[${SGR[style][1]}m` : text),
  };
}

/** A reader that has enough (`lockstep history | head -1`) is no failure. */
function rethrowUnlessRead(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EPIPE') throw error;
}
