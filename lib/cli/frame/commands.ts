/** Every command: the entry of those that are in files of their own by what they do. */
import type { Command as Grammar } from 'commander';
import type { AddCommand } from './add-command.ts';
import { addGroups } from './command-groups.ts';
import { addExec, addRunning, addWriting } from './commands-that-change.ts';
import { addCare, addReading, addRehearsal } from './commands-that-read.ts';
import type { GlobalOptions, LoadCommand } from './context.ts';
import { SCENARIO_LIST, scenarios } from './scenario-argument.ts';
import { outOfOrder } from './shared-options.ts';

export type Choose = (options: GlobalOptions, load: LoadCommand) => void;

/** Adds those of a name that is `wanted`. `choose` is called with the one that the command line has. */
export function addCommands(program: Grammar, wanted: (name: string) => boolean, choose: Choose): void {
  const add: AddCommand = (parent, name, { summary, examples, load, takes }) => {
    if (!wanted(name)) return;
    const command = parent.command(name).description(summary);
    if (examples)
      command.addHelpText('after', ['\nExamples:', ...examples.map((e) => `  $ lockstep ${e}`)].join('\n'));
    if (load) command.action((...given) => choose(optionsOf(given.at(-1) as Grammar), load));
    takes?.(command);
  };
  addWriting(program, add);
  addRunning(program, add);
  addExec(program, add);
  addReading(program, add);
  addRehearsal(program, add);
  addCare(program, add);
  add(program, 'doctor', {
    summary: 'look at everything, and name the one next step',
    examples: ['doctor', 'doctor --json', 'doctor --lease dynamodb://lockstep-leases --target orders'],
    load: async () => (await import('../doctor.ts')).doctor,
    takes: (command) => command.addOption(outOfOrder()),
  });
  addGroups(program, add);
  add(program, 'dev', {
    summary: 'roll out on local servers, to see it work',
    examples: [
      'dev',
      'dev --migrations ./migrations',
      'dev --scenario failed-migration',
      'dev --scenario all',
    ],
    load: async () => (await import('../dev.ts')).dev,
    takes: (command) =>
      command
        .option('--scenario <name>', 'play one way in which a run can go, or all; see below', scenarios)
        .addHelpText('after', SCENARIO_LIST),
  });
}

/** Options and, under their names, arguments. */
function optionsOf(command: Grammar): GlobalOptions {
  const names = command.registeredArguments.map((argument) => argument.name());
  const given = names.map((name, i) => [name, command.processedArgs[i]]);
  return { ...command.optsWithGlobals(), ...Object.fromEntries(given) };
}
