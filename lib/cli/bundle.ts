import { bundleHazards, migrationName } from '../core/plan/catalog.ts';
import { compileBundle } from '../core/plan/compile/index.ts';
import { repeatableName } from '../core/plan/repeatable.ts';
import type { CommandContext, CommandResult } from './frame/context.ts';
import { countNames } from './frame/format.ts';
import { openSource } from './frame/source.ts';
import { writeOut } from './frame/write-file.ts';

export async function bundle({ options }: CommandContext<{ readonly out: string }>): Promise<CommandResult> {
  const source = await openSource(options);
  const compiled = await compileBundle(source);
  await writeOut(options.out, `${JSON.stringify(compiled)}\n`);
  const { digest } = compiled;
  const migrations = compiled.migrations.map(migrationName);
  const repeatables = compiled.repeatables.map(repeatableName);
  const hazards = bundleHazards(compiled);
  return {
    text: `Wrote ${countNames([...migrations, ...repeatables])} to ${options.out}, digest ${digest}.`,
    json: { file: options.out, digest, migrations, repeatables, hazards },
  };
}
