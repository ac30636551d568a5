/** Point × fault → runs, violations, slowest recovery; and how long recoveries took, by what they have to wait for. */
import type { Fault } from './places.ts';
import type { RecoveryClass, Scenario } from './scenario.ts';
import { LEASE_MS } from './world.ts';

interface Cell {
  runs: number;
  violations: number;
  slowestMs: number;
}

const TITLES: Readonly<Record<Fault, string>> = {
  SIGKILL: 'killed',
  SIGSTOP: 'stopped, replaced, continued',
  cut: 'connection cut',
  lost: 'reply lost',
};
const FAULTS = Object.keys(TITLES) as Fault[];

/** With what was promised of 99 in 100; undefined: nothing was. */
const CLASSES: Readonly<Record<RecoveryClass, { readonly title: string; readonly limitMs?: number }>> = {
  idle: { title: 'killed between two statements, lease in PostgreSQL', limitMs: 1_000 },
  // The server looks for its client every five seconds.
  busy: { title: 'killed in the middle of a statement, lease in PostgreSQL', limitMs: 6_000 },
  leased: { title: 'killed, lease in DynamoDB: most wait until it has been silent for its duration' },
  connection: { title: 'connection cut, or a reply lost', limitMs: 30_000 },
  frozen: { title: 'stopped', limitMs: LEASE_MS + 10_000 },
};

export class FaultTable {
  readonly #cells = new Map<string, Partial<Record<Fault, Cell>>>();
  readonly #recoveriesMs = new Map<RecoveryClass, number[]>();

  /** `recoveredMs`: undefined if it never was. */
  add({ strikes }: Scenario, violations: number, recoveredMs = Number.POSITIVE_INFINITY): void {
    if (!strikes) return;
    const row = this.#cells.get(strikes.point) ?? {};
    const cell = row[strikes.fault] ?? { runs: 0, violations: 0, slowestMs: 0 };
    row[strikes.fault] = cell;
    cell.runs += 1;
    cell.violations += violations;
    cell.slowestMs = Math.max(cell.slowestMs, recoveredMs);
    this.#cells.set(strikes.point, row);
    this.#recoveriesMs.set(strikes.class, [...(this.#recoveriesMs.get(strikes.class) ?? []), recoveredMs]);
  }

  get totals(): { readonly runs: number; readonly violations: number } {
    const cells = [...this.#cells.values()].flatMap((row) => Object.values(row));
    const sum = (of: 'runs' | 'violations') => cells.reduce((all, cell) => all + cell[of], 0);
    return { runs: sum('runs'), violations: sum('violations') };
  }

  /** In Markdown, points in the order given. */
  toString(points: readonly string[]): string {
    const rows = points
      .filter((point) => this.#cells.has(point))
      .map((point) => [point, ...FAULTS.map((fault) => shown(this.#cells.get(point)?.[fault]))]);
    return markdown(['the holder fails', ...FAULTS.map((fault) => TITLES[fault])], rows);
  }

  /** The same by classes. */
  recoveries(): string {
    const rows = (Object.keys(CLASSES) as RecoveryClass[]).flatMap((kind) => {
      const sorted = this.#recoveriesMs.get(kind)?.toSorted((a, b) => a - b);
      if (!sorted) return [];
      const { title, limitMs } = CLASSES[kind];
      const [p50, p99, slowest] = [0.5, 0.99, 1].map(
        (share) => sorted[Math.ceil(share * sorted.length) - 1]!,
      );
      const verdict =
        limitMs === undefined ? ['–', '–'] : [`< ${limitMs / 1000} s`, p99! < limitMs ? 'met' : 'missed'];
      return [
        [
          title,
          String(sorted.length),
          ...[p50, p99, slowest].map((ms) => `${(ms! / 1000).toFixed(2)} s`),
          ...verdict,
        ],
      ];
    });
    return markdown(['recovery', 'runs', 'half within', '99 % within', 'slowest', 'limit of 99 %', ''], rows);
  }
}

const markdown = (head: readonly string[], rows: readonly (readonly string[])[]): string =>
  [head, head.map(() => '---'), ...rows].map((row) => `| ${row.join(' | ')} |`).join('\n');

const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`;

const counted = (count: number, word: string): string => `${count} ${word}${count === 1 ? '' : 's'}`;

const shown = (cell: Cell | undefined): string =>
  cell
    ? `${counted(cell.runs, 'run')}, ${counted(cell.violations, 'violation')}, ${seconds(cell.slowestMs)}`
    : '–';
