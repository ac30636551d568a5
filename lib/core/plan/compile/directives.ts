import { LockstepError, NOTHING_CHANGED } from '../../errors/index.ts';
import type { Migration } from '../bundle.ts';
import type { SourceText } from './source-text.ts';
import { isComment, type Token } from './tokens.ts';

type Settings = Migration['settings'];

const DIRECTIVE = /^--\s*lockstep\s*:\s*(?<rest>.*?)\s*$/i;
const ASSIGNMENT = /^(?<key>[^\s=]+)\s*=\s*(?<value>\S+)$/;
const KEYS = new Map<string, keyof Settings>([
  ['expected-duration', 'expectedDurationMs'],
  ['lock-timeout', 'lockTimeoutMs'],
  ['statement-timeout', 'statementTimeoutMs'],
  ['lock-wait', 'lockWaitMs'],
]);
const DURATION = /^(?<amount>\d+)(?<unit>ms|s|min|h)$/;
const UNIT_MS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, min: 60_000, h: 3_600_000 };
/** PostgreSQL keeps timeouts in an int. */
const MAX_MS = 2_147_483_647;

/** Reads the `-- lockstep: key=value` lines at the top of an up file. Throws LS207. */
export function readDirectives(source: SourceText, tokens: readonly Token[]): Settings {
  const settings: { -readonly [Key in keyof Settings]: Settings[Key] } = {};
  const firstSql = tokens.find((token) => !isComment(token))?.start ?? source.bytes.length;
  for (const { start, rest } of directivesOf(source, tokens)) {
    if (start > firstSql)
      throw wrong(source, start, 'it comes after the first SQL', 'Move the line to the top of the file.');
    const { key = '', value = '' } = ASSIGNMENT.exec(rest)?.groups ?? {};
    const setting = KEYS.get(key);
    if (!setting) {
      throw wrong(
        source,
        start,
        `\`${rest}\` sets nothing known`,
        `Known are ${inWords([...KEYS.keys()])}, as in \`-- lockstep: lock-timeout=2s\`.`,
      );
    }
    if (settings[setting] !== undefined)
      throw wrong(source, start, `${key} is set twice`, 'Keep one of the two lines.');
    const durationMs = parseDurationMs(value);
    if (durationMs === undefined) {
      throw wrong(
        source,
        start,
        `\`${value}\` is no duration`,
        'Write 0, or a whole number with ms, s, min or h and less than 25 days.',
      );
    }
    if (durationMs === 0 && setting === 'expectedDurationMs')
      throw wrong(source, start, 'nothing takes no time', 'Write how long it takes at most, such as 40min.');
    settings[setting] = durationMs;
  }
  return settings;
}

/** A down file has no settings of its own: it runs with those of its migration. Throws LS207. */
export function refuseDirectives(source: SourceText, tokens: readonly Token[]): void {
  for (const { start } of directivesOf(source, tokens)) {
    throw wrong(
      source,
      start,
      'a down file runs with the settings of its migration',
      'Move the line to the top of the up file.',
    );
  }
}

function* directivesOf(
  source: SourceText,
  tokens: readonly Token[],
): Generator<{ start: number; rest: string }> {
  for (const { kind, start, end } of tokens) {
    if (kind !== 'line-comment') continue;
    const rest = DIRECTIVE.exec(source.bytes.toString('utf8', start, end))?.groups?.rest;
    if (rest !== undefined) yield { start, rest };
  }
}

const inWords = (keys: readonly string[]): string => `${keys.slice(0, -1).join(', ')} and ${keys.at(-1)}`;

function parseDurationMs(text: string): number | undefined {
  if (text === '0') return 0;
  const { amount, unit = '' } = DURATION.exec(text)?.groups ?? {};
  const durationMs = Number(amount) * (UNIT_MS[unit] ?? Number.NaN);
  return durationMs <= MAX_MS ? durationMs : undefined;
}

function wrong(source: SourceText, offset: number, why: string, remedy: string): LockstepError {
  const position = source.positionAt(offset);
  return new LockstepError('LS207', {
    what: `The directive in ${position.file}, line ${position.line}, is not understood: ${why}.`,
    state: NOTHING_CHANGED,
    remedy,
    position,
  });
}
