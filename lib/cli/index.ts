/**
 * The command line: one file per command here, what they share in frame/.
 *
 * Invariants: a command gets its options, the environment and a signal, and gives back what is to be printed; it
 * alone decides nothing about streams, colour, JSON or exit codes. Stdout has the result and nothing else (with
 * --json exactly one document, for failures, too); progress and errors for people go to stderr. A command's code
 * is loaded when it is chosen.
 *
 * Who is authoritative: the engine for what is done; the catalogue of errors for the exit codes.
 *
 * What can fail: LS101 for the grammar, LS102 for settings, LS104 for a package that is not installed, LS605 when
 * interrupted, and what the engine throws. Anything else thrown is a defect and shows as LS901.
 */
import { hasOwnProcess } from '../adapters/libpg-query/index.ts';
import { asLockstepError, ExitCode, LockstepError } from '../core/errors/index.ts';
import type { CommandResult, GlobalOptions, LoadCommand } from './frame/context.ts';
import { listenForInterruption } from './frame/interruption.ts';
import { asksForJson, parseCommandLine } from './frame/program.ts';
import { errorJson, errorText } from './frame/show-error.ts';
import { openTerminal, type Terminal } from './frame/terminal.ts';
import { ownVersion } from './frame/version.ts';

/** Runs one command and ends the process with its exit code, which may be that of a foreign command; never throws. */
export async function runCli(argv: readonly string[]): Promise<void> {
  hasOwnProcess();
  const terminal = openTerminal(process, process.env);
  process.exitCode = await exitCodeOf(argv, terminal);
  // Node would first take down what the system takes down with the process, which is a millisecond. What is not written yet
  // would be lost: then the process ends by itself, when it is.
  if (terminal.end()) process.exit();
}

async function exitCodeOf(argv: readonly string[], terminal: Terminal): Promise<number> {
  const result = await run(argv, terminal).catch(failed);
  if (!('json' in result)) {
    (result.exitCode === ExitCode.done ? terminal.out : terminal.err).line(result.text);
    return result.exitCode;
  }
  if (asksForJson(argv)) showJson(result, terminal);
  else showText(result, terminal);
  return result.error?.exitCode ?? result.exitCode ?? ExitCode.done;
}

interface HelpText {
  readonly text: string;
  readonly exitCode: ExitCode;
}

async function run(argv: readonly string[], terminal: Terminal): Promise<CommandResult | HelpText> {
  const parsed = parseCommandLine(argv, ownVersion());
  if (parsed.kind === 'text') return parsed;
  return runCommand(parsed.load, parsed.options, terminal);
}

async function runCommand(
  load: LoadCommand,
  options: GlobalOptions,
  terminal: Terminal,
): Promise<CommandResult> {
  const interruption = listenForInterruption(() =>
    terminal.err.line('Interrupted: ending what runs and freeing the lease. Once more ends at once.'),
  );
  try {
    const command = await load();
    return await command({
      options: options as never,
      env: process.env,
      terminal,
      signal: interruption.signal,
    });
  } catch (error) {
    throw interruption.signal.aborted ? asInterrupted(error) : error;
  } finally {
    interruption.stop();
  }
}

function showJson({ json, error }: CommandResult, { out }: Terminal): void {
  out.line(JSON.stringify(error ? { ...json, error: errorJson(error) } : json, undefined, 2));
}

function showText({ text, error }: CommandResult, { out, err }: Terminal): void {
  if (text !== '') out.line(text);
  if (error) err.line(errorText(error, err.paint));
}

const failed = (error: unknown): CommandResult => ({
  text: '',
  json: {},
  error: missingPackage(error) ?? asLockstepError(error),
});

function missingPackage(error: unknown): LockstepError | undefined {
  if ((error as NodeJS.ErrnoException | undefined)?.code !== 'ERR_MODULE_NOT_FOUND') return undefined;
  const name = /Cannot find package '([^']+)'/.exec((error as Error).message)?.[1];
  if (name === undefined) return undefined;
  return new LockstepError('LS104', {
    what: `This command needs the package ${name}, which is not installed.`,
    state: 'The database was not touched.',
    remedy: `Install it beside lockstep: npm install ${name}.`,
    cause: error,
  });
}

function asInterrupted(error: unknown): unknown {
  if (error instanceof LockstepError) return error;
  return new LockstepError('LS605', {
    what: 'Interrupted.',
    state: 'Migrations are applied whole or not at all; `lockstep status` tells which are.',
    remedy: 'Run the same command again: it goes on after the last migration that is applied.',
    cause: error,
  });
}
