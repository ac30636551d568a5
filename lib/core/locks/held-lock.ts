/** One lock, as the ledger has it. */
export interface HeldLock {
  /** schema.name */
  readonly relation: string;
  /** ACCESS EXCLUSIVE, … */
  readonly mode: string;
  /** From the begin of the step's transaction, so that it is never less than what it was. */
  readonly heldMs: number;
  /** Before the try that went well: for others to go, and in tries that did not. */
  readonly waitedMs: number;
  readonly tries: number;
}
