const TIME = /^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(\.\d+)?Z$/;

/** Milliseconds since 1970 of a time as the ledger writes it, `2026-01-31T12:00:00.250Z`; NaN for any other text. */
export function epochMs(time: string): number {
  const [, ...parts] = TIME.exec(time) ?? [];
  const [year = Number.NaN, month = 1, day = 1, hours = 0, minutes = 0, seconds = 0, fraction = 0] =
    parts.map((part = '0') => Number(part));
  const clock = ((hours * 60 + minutes) * 60 + seconds + fraction) * 1_000;
  return daysSince1970(year, month, day) * 86_400_000 + clock;
}

/** Of the Gregorian calendar, counted from March on, so that the leap day is a year's last. */
function daysSince1970(year: number, month: number, day: number): number {
  const y = month > 2 ? year : year - 1;
  const dayOfYear = Math.floor((153 * ((month + 9) % 12) + 2) / 5) + day - 1;
  return 365 * y + Math.floor(y / 4) - Math.floor(y / 100) + Math.floor(y / 400) + dayOfYear - 719_468;
}
