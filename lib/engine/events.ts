import type { CommandProgress } from '../adapters/postgres/command-progress.ts';
import type { LockstepError } from '../core/errors/index.ts';
import type { StopReason } from '../core/foreign/index.ts';
import type { Blocker } from '../core/locks/index.ts';

/** What an observer is told while a run goes on; for progress lines, logs and metrics. No row data, no secrets. */
export type EngineEvent =
  | { readonly kind: 'connecting'; readonly attempt: number; readonly reason: string }
  | { readonly kind: 'database-created'; readonly database: string }
  | { readonly kind: 'waiting'; readonly heldBy: string; readonly waitedMs: number }
  | { readonly kind: 'schema-not-ready'; readonly pendingCount: number; readonly waitedMs: number }
  /** It is applied although `above`, a higher revision, is applied already. */
  | { readonly kind: 'out-of-order'; readonly migration: string; readonly above: string }
  /** An attempt has its token, lock and fence, and begins. */
  | { readonly kind: 'attempt-begun'; readonly token: number }
  | { readonly kind: 'lease-acquired'; readonly token: number; readonly tookOverFrom: string | null }
  | {
      /** The session of a replaced attempt builds an index, and gets on with it. */
      readonly kind: 'build-awaited';
      readonly pid: number;
      readonly token: number;
      readonly progress: CommandProgress;
    }
  | { readonly kind: 'session-ended'; readonly pid: number; readonly token: number }
  | {
      readonly kind: 'step-started';
      readonly migration: string;
      readonly direction: Direction /** From 1. */;
      readonly step: number;
      readonly steps: number;
    }
  | {
      /** Of a statement outside a transaction that takes long. */
      readonly kind: 'step-progress';
      readonly migration: string;
      readonly step: number;
      readonly progress: CommandProgress;
    }
  | { readonly kind: 'step-healed'; readonly migration: string; readonly step: number; readonly how: string }
  | {
      readonly kind: 'backfill-progress';
      readonly migration: string;
      /** Covered by the batches so far, those of earlier attempts included. */
      readonly keys: number;
      /** 0 to 1, and the time that is left: estimates, null when the table was never analysed. */
      readonly share: number | null;
      readonly leftMs: number | null;
      readonly batchSize: number;
    }
  /** Outside the server: nothing is locked, nobody is kept from work. */
  | {
      readonly kind: 'waiting-for-locks';
      readonly migration: string;
      readonly blockers: readonly Blocker[];
      readonly waitedMs: number;
    }
  /** A try that did not get its lock, or met a deadlock; it left nothing behind. */
  | {
      readonly kind: 'lock-retry';
      readonly migration: string;
      readonly blockers: readonly Blocker[];
      readonly sqlstate: string;
      /** Those that were made. */
      readonly tries: number;
      readonly pauseMs: number;
    }
  /** SQL that runs waits for these. */
  | {
      readonly kind: 'blocked';
      readonly migration: string;
      readonly blockers: readonly Blocker[];
      readonly ranMs: number;
    }
  /** Others wait for SQL that runs: how many sessions, and the longest wait of one. */
  | {
      readonly kind: 'blocking';
      readonly migration: string;
      readonly sessions: number;
      readonly longestMs: number;
    }
  | { readonly kind: 'backfill-paused'; readonly migration: string; readonly reason: string }
  | {
      readonly kind: 'migration-done';
      readonly migration: string;
      readonly direction: Direction;
      readonly durationMs: number;
    }
  | { readonly kind: 'command-started'; readonly command: string }
  | { readonly kind: 'command-stopping'; readonly command: string; readonly reason: StopReason }
  | { readonly kind: 'attempt-repeated'; readonly error: LockstepError }
  | { readonly kind: 'lease-not-released'; readonly error: LockstepError }
  /** An app at its start, which does not migrate on this platform unless it is asked to. */
  | { readonly kind: 'left-to-others'; readonly deployment: string }
  | { readonly kind: 'instance-not-recorded'; readonly error: LockstepError }
  | { readonly kind: 'contract-held-back'; readonly error: LockstepError };
export type Direction = 'up' | 'down';
export type Observer = (event: EngineEvent) => void;
