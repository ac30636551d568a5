/** The verdict of a run that failed: what happened, what of it stays in the database and why, what to do next. */
import type { RunError } from './caught-error.ts';
import type { Verdict } from './verdict.ts';
import { inWords, type NameList, nameList, type RunFacts, verdictOf, were } from './verdict-shape.ts';

/** What became of the migrations that the run had applied. */
export type Reversion =
  | { readonly kind: 'done' }
  | { readonly kind: 'not-asked' }
  /** All of it was applied; only telling so failed, and whoever was told may have rolled out. */
  | { readonly kind: 'complete' }
  | { readonly kind: 'lease-not-held' }
  | { readonly kind: 'stopped' }
  /** After a roll-out that was unhealthy; the old version is not known to be what runs. */
  | { readonly kind: 'new-version' }
  | { readonly kind: 'failed'; readonly reason: string };

export interface LedgerFacts {
  /** By this run, and still. */
  readonly applied: readonly string[];
  /** Repeatable objects that it applied; a revert leaves them as they are. */
  readonly repeatables: readonly string[];
  /** Everything that is pending now. */
  readonly notApplied: readonly string[];
  /** Begun and not finished: those of its steps that ran outside a transaction stay. */
  readonly partial: readonly string[];
  /** The foreign command that it ran, and what that one's own history says, in words; null if it ran none. */
  readonly command?: string | null;
}

export interface Failure {
  readonly error: RunError;
  /** Undefined when the ledger could not be read. */
  readonly ledger: LedgerFacts | undefined;
  readonly reverted: readonly string[];
  readonly reversion: Reversion;
}

export function failedVerdict(facts: RunFacts, failure: Failure): Verdict {
  const { error, ledger, reverted } = failure;
  return verdictOf(facts, {
    outcome: wasRefused(error) ? 'refused' : 'failed',
    signal: 'ROLL_BACK',
    applied: nameList([...(ledger?.applied ?? []), ...(ledger?.repeatables ?? [])]),
    notApplied: nameList(ledger?.notApplied ?? []),
    reverted,
    error,
    message: error.message,
    state: stateAfter(failure),
    next: nextAfter(facts, failure),
  });
}

/** By a person, or because nobody answered. */
const wasRefused = ({ code }: RunError): boolean => code === 'LS710' || code === 'LS711';

function stateAfter({ ledger, reverted, reversion }: Failure): string {
  if (!ledger) {
    return 'The ledger could not be read, so what this run applied is not known here; each migration is applied whole or not at all.';
  }
  const [applied, undone] = [nameList(ledger.applied), nameList(reverted)];
  const objects = nameList(ledger.repeatables);
  return [
    ...(ledger.command ? [`It ran ${ledger.command}; what that changed stays.`] : []),
    applied.count === 0
      ? ledger.command
        ? 'Lockstep takes back only what it has run itself.'
        : 'Nothing of this run is applied.'
      : `${staying(applied)}: ${whyItStays(reversion)}.`,
    ...(undone.count === 0
      ? []
      : [`${inWords(undone)} ${were(undone)} applied by this run and reverted again.`]),
    ...(objects.count === 0
      ? []
      : [
          `${inWords(objects)} ${were(objects)} applied by this run and not taken back: repeatable objects have no way back, and a run of another bundle applies its own.`,
        ]),
    ...ledger.partial.map(
      (name) => `${name} is done in part; the next run goes on with it where it stopped.`,
    ),
  ].join(' ');
}

const staying = (applied: NameList): string =>
  `${inWords(applied)} of this run ${applied.count === 1 ? 'stays' : 'stay'} applied`;

function whyItStays(reversion: Reversion): string {
  switch (reversion.kind) {
    case 'not-asked':
      return 'the roll-back policy takes back the code only';
    case 'complete':
      return 'everything was applied, and roll out may have been signalled before the run failed';
    case 'lease-not-held':
      return 'this run does not hold the lease, and must not touch the schema without it';
    case 'stopped':
      return 'a run that was stopped or ended without its roll back reverts nothing';
    case 'new-version':
      return 'the new version may be running, and needs it';
    case 'failed':
      return `reverting failed (${reversion.reason})`;
    case 'done':
      return 'the roll back did not see it';
    default:
      return reversion satisfies never;
  }
}

function nextAfter({ run, restorePoint }: RunFacts, { error, ledger }: Failure): string {
  const isForeign = Boolean(ledger?.command);
  const mayStay = ledger === undefined || ledger.applied.length > 0 || isForeign;
  return [
    ...(ledger ? [] : ['See with `lockstep status` what is applied.']),
    wasRefused(error)
      ? 'Change the migrations, or start a new run, which asks again.'
      : isForeign
        ? 'Mend the cause, with what the tool itself needs for that, and start a new run.'
        : 'Mend the cause and start a new run, which applies what is pending.',
    ...(ledger && ledger.applied.length > 0
      ? ['`lockstep down` reverts what stays, where there are down scripts.']
      : []),
    ...(restorePoint && mayStay
      ? [
          `The data as it was before is in the restore point ${restorePoint}: \`lockstep restore plan ${run}\`.`,
        ]
      : []),
    `docs/runbook.md explains ${error.code}.`,
  ].join(' ');
}
