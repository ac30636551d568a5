/** The two streams that people and scripts read, and whether colour is welcome there. */

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

/** A stream is opened when it is first written to: `process.stderr` takes a moment, and most starts say nothing there. */
export function openTerminal(
  streams: Pick<NodeJS.Process, 'stdout' | 'stderr'>,
  env: NodeJS.ProcessEnv,
): Terminal {
  return { out: outputOn(() => streams.stdout, env), err: outputOn(() => streams.stderr, env) };
}

function outputOn(open: () => NodeJS.WriteStream, env: NodeJS.ProcessEnv): Output {
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
    paint: (style, text) => (isColoured() ? `\u001b[${SGR[style][0]}m${text}\u001b[${SGR[style][1]}m` : text),
  };
}

/** A reader that has enough (`lockstep history | head -1`) is no failure. */
function rethrowUnlessRead(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EPIPE') throw error;
}
