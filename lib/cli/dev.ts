import { readFileSync } from 'node:fs';
import { databaseConfigFrom } from '../adapters/postgres/config.ts';
import { LockstepError, NOTHING_CHANGED } from '../core/errors/index.ts';
import type * as Demo from '../local/demo/index.ts';
import type { CommandContext, CommandResult } from './frame/context.ts';
import { errorText } from './frame/show-error.ts';

export async function dev({ options, env, terminal, signal }: CommandContext): Promise<CommandResult> {
  const { runDemo } = await loadDemo();
  const { line, paint } = options.json ? terminal.err : terminal.out;
  const page: Demo.Page = { line, paint, error: (error) => errorText(error, paint) };
  const { migrations, databaseUrl: url } = options;
  const readFile = (path: string) => readFileSync(path, 'utf8');
  // Only when it is given here: a DATABASE_URL that happens to be set must not be migrated by a demo.
  const database = url === undefined ? undefined : databaseConfigFrom({ url, env, readFile });
  const { acts, promisesKept } = await runDemo({ page, signal, migrations, database });
  return { text: '', json: { acts, promisesKept } };
}

/** Not by a literal path: the published command is one bundle, without the servers that this one starts. */
async function loadDemo(): Promise<typeof Demo> {
  const demo = new URL('../local/demo/index.ts', import.meta.url).href;
  try {
    return await import(demo);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'ERR_MODULE_NOT_FOUND') throw cause;
    throw new LockstepError('LS104', {
      what: '`lockstep dev` needs the sources of Lockstep and its development packages, which are not here.',
      state: NOTHING_CHANGED,
      remedy: 'Clone the repository, then run `npm ci` and `npm start` in it.',
      cause,
    });
  }
}
