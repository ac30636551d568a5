import { readFileSync } from 'node:fs';
import { databaseConfigFrom } from '../adapters/postgres/config.ts';
import { LockstepError, NOTHING_CHANGED } from '../core/errors/index.ts';
import type * as Demo from '../local/demo/index.ts';
import type { ScenarioName } from '../local/scenarios/catalogue.ts';
import type * as Scenarios from '../local/scenarios/index.ts';
import type { Command, CommandContext, CommandResult } from './frame/context.ts';
import { loadLocal } from './frame/load-local.ts';
import { errorText } from './frame/show-error.ts';

const MISSING =
  '`lockstep dev` needs the sources of Lockstep and its development packages, which are not here.';

interface DevOptions {
  readonly scenario?: readonly ScenarioName[];
}

export const dev: Command<DevOptions> = (context) =>
  context.options.scenario ? showScenarios(context, context.options.scenario) : showDemo(context);

async function showDemo(context: CommandContext): Promise<CommandResult> {
  const { options, env, signal } = context;
  const { runDemo } = await loadLocal<typeof Demo>('../../local/demo/index.ts', MISSING);
  const { migrations, databaseUrl: url } = options;
  const readFile = (path: string) => readFileSync(path, 'utf8');
  // Only when it is given here: a DATABASE_URL that happens to be set must not be migrated by a demo.
  const database = url === undefined ? undefined : databaseConfigFrom({ url, env, readFile });
  const { acts, promisesKept } = await runDemo({ page: pageOf(context), signal, migrations, database });
  return { text: '', json: { acts, promisesKept } };
}

/** Throws LS101 when it is given what a scenario has of its own. */
async function showScenarios(
  context: CommandContext,
  names: readonly ScenarioName[],
): Promise<CommandResult> {
  const { migrations, bundle, databaseUrl } = context.options;
  if (migrations ?? bundle ?? databaseUrl) {
    throw new LockstepError('LS101', {
      what: 'A scenario has migrations and a database of its own.',
      state: NOTHING_CHANGED,
      remedy: 'Leave out --migrations, --bundle and --database-url, or leave out --scenario.',
    });
  }
  const { runScenarios } = await loadLocal<typeof Scenarios>('../../local/scenarios/index.ts', MISSING);
  const { scenarios, promisesKept } = await runScenarios({
    page: pageOf(context),
    signal: context.signal,
    names,
  });
  return { text: '', json: { scenarios, promisesKept } };
}

function pageOf({ options, terminal }: CommandContext): Demo.Page {
  const { line, paint } = options.json ? terminal.err : terminal.out;
  return { line, paint, error: (error) => errorText(error, paint) };
}
