/** A rehearsal in words: `rehearse` and `plan --rehearsal` say it alike. */
import { excessInWords, type Rehearsal, type RehearsedStep } from '../../core/rehearsal/index.ts';
import { count, duration, some } from './format.ts';

const UNITS = ['bytes', 'KiB', 'MiB', 'GiB', 'TiB'];

/** `1.2 GiB` */
export function volume(bytes: number): string {
  const power = Math.min(UNITS.length - 1, Math.max(0, Math.floor(Math.log2(Math.abs(bytes) || 1) / 10)));
  return `${power === 0 ? bytes : (bytes / 2 ** (10 * power)).toFixed(1)} ${UNITS[power]}`;
}

export function rehearsalLines(rehearsal: Rehearsal): string[] {
  const { steps, databaseBytes, durationMs, target, error } = rehearsal;
  if (steps.length === 0) return error ? [] : [`Nothing to rehearse: no migration is pending in ${target}.`];
  const names = new Set(steps.map(({ migration }) => migration));
  return [
    `Rehearsed ${count(names.size, 'change')} on a copy of ${target} (${volume(databaseBytes)}), in ${duration(durationMs)}:`,
    ...steps.flatMap((step) => [
      `  ${stepName(step)}  ${duration(step.durationMs)}`,
      ...stepLines(step).map((line) => `    ${line}`),
    ]),
    ...verdictLines(rehearsal),
  ];
}

export const stepName = ({ migration, step, steps }: RehearsedStep): string =>
  steps === 1 ? migration : `${migration}, step ${step} of ${steps}`;

/** What there is to say of a step besides its time. */
export function stepLines(step: RehearsedStep): string[] {
  const { locks, waits, notProbed, rewritten, indexes } = step;
  return [
    ...locks.map(({ mode, relation, bytes, heldMs, isRecorded, line }) => {
      const size = bytes === null ? '' : ` (${volume(bytes)})`;
      return `${mode} on ${relation}${size} for ${isRecorded ? 'at most' : 'about'} ${duration(heldMs)}${line === null ? '' : `, line ${line}`}`;
    }),
    ...waits.map(
      ({ who, relation, longestMs }) => `${who} of ${relation} waited for up to ${duration(longestMs)}`,
    ),
    ...(notProbed.length > 0 ? [`whether others waited for ${some(notProbed)} is not known`] : []),
    ...rewritten.map(({ relation, bytes }) => `rewrites ${relation} (${volume(bytes)})`),
    ...indexes.map(({ index, bytes }) => `builds ${index} (${volume(bytes)})`),
    ...diskLines(step),
  ];
}

/** Less is what any migration leaves in the catalogs and in the ledger. */
const WORTH_TELLING_BYTES = 2 ** 20;

function diskLines({ growthBytes, peakBytes, walBytes }: RehearsedStep): string[] {
  const said = [
    ...(Math.abs(growthBytes) < WORTH_TELLING_BYTES
      ? []
      : [`${volume(Math.abs(growthBytes))} ${growthBytes > 0 ? 'more' : 'less'} afterwards`]),
    ...(peakBytes - growthBytes < WORTH_TELLING_BYTES ? [] : [`${volume(peakBytes)} more meanwhile`]),
    ...(walBytes === null || walBytes < WORTH_TELLING_BYTES
      ? []
      : [`${volume(walBytes)} of write-ahead log`]),
  ];
  return said.length === 0 ? [] : [`disk: ${said.join(', ')}`];
}

export function verdictLines({ verdict, budget, excesses, error }: Rehearsal): string[] {
  const { maxDurationMs, maxBlockedMs } = budget;
  switch (verdict) {
    case 'failed':
      return error ? [`Then it failed: ${error.what}`] : [];
    case 'over-budget':
      return ['Over the budget:', ...excesses.map((excess) => `  ${excessInWords(excess)}`)];
    case 'within-budget':
      return maxDurationMs === null && maxBlockedMs === null ? [] : ['Within the budget that was given.'];
    default:
      return verdict satisfies never;
  }
}
