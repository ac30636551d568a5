import { bundleHazards, migrationName } from '../core/plan/catalog.ts';
import { compileBundle } from '../core/plan/compile/index.ts';
import { repeatableName } from '../core/plan/repeatable.ts';
import { openSource } from '../settings/index.ts';
import type { CommandContext, CommandResult } from './frame/context.ts';
import { countNames } from './frame/format.ts';
import type { PublishOptions } from './frame/publish.ts';
import { writeOut } from './frame/write-file.ts';

type BundleOptions = PublishOptions & { readonly out?: string };

const DEFAULT_FILE = 'bundle.json';

export async function bundle({ options, env }: CommandContext<BundleOptions>): Promise<CommandResult> {
  // What is wrong with the destination is said before anything is compiled.
  const publish = await openPublishing(options, env);
  const source = await openSource(options);
  const compiled = await compileBundle(source);
  const text = `${JSON.stringify(compiled)}\n`;
  const { digest } = compiled;
  const migrations = compiled.migrations.map(migrationName);
  const repeatables = compiled.repeatables.map(repeatableName);
  const what = countNames([...migrations, ...repeatables]);
  const file = options.out ?? (publish ? undefined : DEFAULT_FILE);
  if (file !== undefined) await writeOut(file, text);
  // The document is the input of a run as it is: nothing more is in it than fits there.
  if (publish) return publish(text, { what, digest });
  const hazards = bundleHazards(compiled);
  return {
    text: `Wrote ${what} to ${file}, digest ${digest}.`,
    json: { file, digest, migrations, repeatables, hazards },
  };
}

async function openPublishing(options: PublishOptions, env: NodeJS.ProcessEnv) {
  if (options.to === undefined && options.signingKey === undefined && options.signingAlgorithm === undefined)
    return undefined;
  const { publishing } = await import('./frame/publish.ts');
  return publishing(options, env);
}
