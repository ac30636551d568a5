const MS_PER_UNIT = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 } as const;
const FORM = /^(?<amount>\d+(?:\.\d+)?)(?<unit>ms|s|m|h)$/;
/** Longest delay that a Node timer takes. */
const LONGEST_MS = 2 ** 31 - 1;

export interface DurationSetting {
  /** As people know it: `--wait-timeout`. */
  readonly name: string;
  readonly defaultMs: number;
  /** Default 0. */
  readonly leastMs?: number;
}

/** `500ms`, `30s`, `5m`, `1h` in milliseconds. A number without a unit is a problem, not a guess. */
export function readDuration(text: string | undefined, setting: DurationSetting, problems: string[]): number {
  if (text === undefined) return setting.defaultMs;
  const { amount, unit } = FORM.exec(text)?.groups ?? {};
  const ms = Number(amount) * MS_PER_UNIT[unit as keyof typeof MS_PER_UNIT];
  if (Number.isNaN(ms)) {
    problems.push(`${setting.name} ${text} is not a duration such as 500ms, 30s, 5m or 1h`);
  } else if (ms < (setting.leastMs ?? 0) || ms > LONGEST_MS) {
    problems.push(`${setting.name} ${text} is not between ${setting.leastMs ?? 0} ms and 24 days`);
  }
  return ms;
}
