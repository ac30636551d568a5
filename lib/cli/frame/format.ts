/** Numbers and lists in sentences. */
import { isRepeatableName } from '../../core/plan/repeatable.ts';
import { count, duration } from '../../core/words.ts';

export { count, duration };

/** Of names such as 0042_add_email and R_active_users: `2 migrations and 1 repeatable object`. */
export function countNames(names: readonly string[]): string {
  const objects = names.filter(isRepeatableName).length;
  const migrations = names.length - objects;
  const parts = [
    ...(migrations > 0 || objects === 0 ? [count(migrations, 'migration')] : []),
    ...(objects > 0 ? [count(objects, 'repeatable object')] : []),
  ];
  return parts.join(' and ');
}

/** First ones of a list that may be long. */
export function some(names: readonly string[], limit = 5): string {
  const shown = names.slice(0, limit).join(', ');
  return names.length > limit ? `${shown} and ${names.length - limit} more` : shown;
}

/** Columns as wide as their longest cell; the last one is not padded. */
export function table(rows: readonly (readonly string[])[]): string[] {
  const columns = Math.max(0, ...rows.map((row) => row.length));
  const widths = Array.from({ length: columns }, (_, i) =>
    Math.max(...rows.map((row) => row[i]?.length ?? 0)),
  );
  return rows.map((row) =>
    row
      .map((cell, i) => (i === row.length - 1 ? cell : cell.padEnd(widths[i] ?? 0)))
      .join('  ')
      .trimEnd(),
  );
}
