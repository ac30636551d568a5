import { mkdir, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { LockstepError, NOTHING_CHANGED } from '../core/errors/index.ts';
import { bundleHazards, migrationName } from '../core/plan/catalog.ts';
import { compileBundle } from '../core/plan/compile/index.ts';
import { repeatableName } from '../core/plan/repeatable.ts';
import type { CommandContext, CommandResult } from './frame/context.ts';
import { countNames } from './frame/format.ts';
import { openSource } from './frame/source.ts';

export async function bundle({ options }: CommandContext<{ readonly out: string }>): Promise<CommandResult> {
  const source = await openSource(options);
  const compiled = await compileBundle(source);
  await write(options.out, `${JSON.stringify(compiled)}\n`);
  const { digest } = compiled;
  const migrations = compiled.migrations.map(migrationName);
  const repeatables = compiled.repeatables.map(repeatableName);
  const hazards = bundleHazards(compiled);
  return {
    text: `Wrote ${countNames([...migrations, ...repeatables])} to ${options.out}, digest ${digest}.`,
    json: { file: options.out, digest, migrations, repeatables, hazards },
  };
}

async function write(file: string, text: string): Promise<void> {
  try {
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, text);
  } catch (cause) {
    throw new LockstepError('LS103', {
      what: `${file} cannot be written: ${(cause as Error).message}.`,
      state: NOTHING_CHANGED,
      remedy: 'Give another path with --out.',
      cause,
    });
  }
}
