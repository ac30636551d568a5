import type { ExitCode, LockstepError } from '../../core/errors/index.ts';
import type { OutOfOrderPolicy } from '../../core/plan/index.ts';
import type { EngineContext } from '../../engine/types.ts';
import type { TargetSettings } from '../../settings/index.ts';
import type { Terminal } from './terminal.ts';

/** Options that every command takes; those that a command has no use for are ignored. */
export interface GlobalOptions {
  readonly json?: true;
  readonly migrations?: string;
  readonly bundle?: string;
  readonly databaseUrl?: string;
  readonly lease?: string;
  readonly target?: string;
  readonly waitTimeout?: string;
  readonly leaseDuration?: string;
  /** Of the commands that make a plan. */
  readonly outOfOrder?: string;
  /** Of commands that change the schema. */
  readonly lockWait?: string;
}

/** What the frame gives to a command. */
export interface CommandContext<Options extends object = object> {
  readonly options: GlobalOptions & Options;
  readonly env: NodeJS.ProcessEnv;
  readonly terminal: Terminal;
  /** Aborted by the first SIGINT or SIGTERM. */
  readonly signal: AbortSignal;
}

/** What a command gives back; the frame prints it and makes the exit code of it. */
export interface CommandResult {
  /** For people; empty prints nothing. */
  readonly text: string;
  /** For `--json`: the document, which also gets `error` if there is one. */
  readonly json: Readonly<Record<string, unknown>>;
  /** The command did its work and this is what it found, such as a plan that is refused. */
  readonly error?: LockstepError | undefined;
  /** Without an error; default 0. */
  readonly exitCode?: ExitCode | undefined;
}

export type Command<Options extends object = object> = (
  context: CommandContext<Options>,
) => Promise<CommandResult>;

/** Each command has options of its own; the grammar guarantees that it gets them. */
export type LoadCommand = () => Promise<Command<never>>;

/** A database with its lease, limits and observer, as the engine's use cases take them. */
export type TargetContext = TargetSettings &
  EngineContext & {
    readonly leaseDurationMs: number;
    readonly leaseWaitMs: number;
    readonly outOfOrder: OutOfOrderPolicy;
    readonly lockWaitMs: number;
  };
