/** The command line's grammar: commands, options, help. Which code a command runs is loaded only when it is chosen. */
import { CommanderError, Command as Grammar, Option } from 'commander';
import { ExitCode, LockstepError, NOTHING_CHANGED } from '../../core/errors/index.ts';
import { addCommands } from './commands.ts';
import type { GlobalOptions, LoadCommand } from './context.ts';

export type Parsed =
  | { readonly kind: 'text'; readonly text: string; readonly exitCode: ExitCode }
  | { readonly kind: 'command'; readonly options: GlobalOptions; readonly load: LoadCommand };

/** What is behind `--` is another program's. */
export function asksForJson(argv: readonly string[]): boolean {
  const end = argv.indexOf('--');
  return (end === -1 ? argv : argv.slice(0, end)).includes('--json');
}

/** Throws LS101. */
export function parseCommandLine(argv: readonly string[], version: string): Parsed {
  // To make the grammar of all commands takes longer than all else here, and most often one is meant. What is not
  // understood with those that are named, or asks for help, is told from all of them.
  const parsed = parseWith(argv, version, (name) => argv.includes(name));
  if (parsed?.kind === 'command') return parsed;
  const answer = parseWith(argv, version, () => true)!;
  if (answer.kind === 'error') throw answer.error;
  return answer;
}

/** Undefined only where no command is wanted. */
function parseWith(
  argv: readonly string[],
  version: string,
  wanted: (name: string) => boolean,
): Parsed | { readonly kind: 'error'; readonly error: LockstepError } | undefined {
  let chosen: Parsed | undefined;
  let written = '';
  const write = (text: string) => {
    written += text;
  };
  const program = grammar(version).configureOutput({
    writeOut: write,
    writeErr: write,
    outputError: () => {},
  });
  addCommands(program, wanted, (options, load) => {
    chosen = { kind: 'command', options, load };
  });
  try {
    program.parse(argv, { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    const asksNothing = error.code === 'commander.help';
    if (written === '' || (asksNothing && asksForJson(argv)))
      return { kind: 'error', error: usageError(error, program, argv) };
    // Help and the version number when asked for; help, too, when no command is given.
    const exitCode = error.exitCode === 0 ? ExitCode.done : ExitCode.usage;
    return { kind: 'text', text: written.trimEnd(), exitCode };
  }
  return chosen;
}

function grammar(version: string): Grammar {
  return new Grammar('lockstep')
    .description(
      'Applies PostgreSQL migrations exactly once, however many instances, pipelines or retries ask for it.',
    )
    .version(version, '--version', 'print the version')
    .helpOption('-h, --help', 'print this help')
    .configureHelp({ showGlobalOptions: true })
    .exitOverride()
    .addOption(new Option('--migrations <dir>', 'the SQL files (default: ./migrations)').conflicts('bundle'))
    .option('--bundle <file>', 'a file made by `lockstep bundle` instead')
    .option('--database-url <url>', 'else DATABASE_URL, else the PG* variables')
    .option('--lease <where>', 'postgres (default) or dynamodb://TABLE')
    .option('--target <name>', "the lease's key (default: the database's name)")
    .option('--wait-timeout <duration>', 'longest wait for the lease (default: 10m)')
    .option('--lease-duration <duration>', 'silence before a take-over (default: 30s)')
    .option('--json', 'print one JSON document instead of text')
    .addHelpText('afterAll', EXIT_CODES);
}

const EXIT_CODES = `
Exit codes: 0 done or nothing to do, 1 failed, 2 usage or configuration,
            3 lease or schema not obtained in time, 4 drift, 130 interrupted`;

function usageError(error: CommanderError, program: Grammar, argv: readonly string[]): LockstepError {
  const message = error.code === 'commander.help' ? 'no command is given' : error.message;
  const [sentence = '', suggestion] = message.replace(/^error: /, '').split('\n(Did you mean ');
  const hint = suggestion ? ` (did you mean ${suggestion.replace(/\?\)$/, '')}?)` : '';
  const what = sentence.charAt(0).toUpperCase() + sentence.slice(1).replace(/\.$/, '');
  const command = program.commands.find((c) => argv.includes(c.name()))?.name();
  return new LockstepError('LS101', {
    what: `${what}${hint}.`,
    state: NOTHING_CHANGED,
    remedy: `\`lockstep ${command ? `${command} ` : ''}--help\` shows what is understood.`,
    cause: error,
  });
}
