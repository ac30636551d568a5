/** A program with its arguments, which can be started once per attempt. */
export interface ForeignCommand {
  /** Of the program, without folder and arguments: for people, and for the ledger. */
  readonly name: string;
  /** Gives it these variables beside its own. Throws LS803. */
  start(variables: Readonly<Record<string, string>>): Promise<RunningCommand>;
}

export interface RunningCommand {
  /** Fulfilled when neither it nor a process that it started in its group runs any more. Never rejects. */
  readonly ended: Promise<CommandEnd>;
  /** Asks all of them to end, and insists after `graceMs`; of several calls the shortest time counts. */
  stop(graceMs: number): void;
}

export interface CommandEnd {
  /** As a shell would say it: 128 and its number for a signal. */
  readonly exitCode: number;
  /** SIGKILL, … if one ended it. */
  readonly signal: string | null;
}

/** Why a command was told to end. */
export type StopReason =
  | { readonly kind: 'interrupted' }
  | { readonly kind: 'out-of-time'; readonly limitMs: number }
  /** The lease or the session with the lock: `why` completes "because …", with its full stop. */
  | { readonly kind: 'lost'; readonly why: string };
