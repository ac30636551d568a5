/** What has to hold in each simulated schedule; numbered as in docs/model/README.md. */
export const Invariant = {
  I1: 'each effect is made at most once',
  I2: 'the ledger equals the effects',
  I3: 'never two at work at a time',
  I4: 'nobody writes after a newer attempt was let in',
  I5: 'migrations are applied in order',
  I6: 'every run ends, as applied or as failed for a reason that it can have',
  I7: 'nothing is left: no session, no lock, no lease or run but of who died',
  I8: 'tokens only grow, and each attempt has its own',
  I9: 'who reports success finds everything applied',
  I10: 'no index is INVALID, and no step begun and not done',
} as const;
export type Invariant = keyof typeof Invariant;

export interface Violation {
  readonly of: Invariant;
  readonly seen: unknown;
}

/** A server without one of its protections. */
export interface ServerVariant {
  readonly fence?: 'open';
  readonly ledgerKey?: 'none';
  readonly transactionCheck?: 'none';
  /** `everybody`: whoever asks has the advisory lock. */
  readonly lock?: 'everybody';
  /** A claim with the token that is stored is good, too. */
  readonly claim?: 'as high';
}
