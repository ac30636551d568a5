/** Tables that read well on a terminal and in Markdown. */

type Cell = string | number | undefined;

export const ABSENT = '–';

export function table(header: readonly string[], rows: readonly (readonly Cell[])[]): string {
  const lines = [header, ...rows.map((row) => row.map((cell) => String(cell ?? ABSENT)))];
  const widths = header.map((_, column) => Math.max(...lines.map((line) => line[column]!.length)));
  const isNumeric = header.map((_, column) =>
    rows.every((row) => /^[\d–×]/.test(String(row[column] ?? ABSENT))),
  );
  const text = (line: readonly string[]) =>
    `| ${line.map((cell, i) => (isNumeric[i] ? cell.padStart(widths[i]!) : cell.padEnd(widths[i]!))).join(' | ')} |`;
  const rule = `|${widths.map((width, i) => `${'-'.repeat(width + 1)}${isNumeric[i] ? ':' : '-'}`).join('|')}|`;
  const [head, ...body] = lines;
  return [text(head!), rule, ...body.map(text)].join('\n');
}

export const seconds = (ms: number): string => (ms / 1000).toFixed(ms < 9_950 ? 2 : 1);
export const times = (ratio: number): string => `× ${ratio.toFixed(2)}`;
export const whole = (value: number | undefined): string => (value === undefined ? ABSENT : value.toFixed(0));
