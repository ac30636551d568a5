/** Point × fault → runs, violations, slowest recovery: of all scenarios that strike at one point. */
import type { Scenario, TableFault } from './scenario.ts';

interface Cell {
  runs: number;
  violations: number;
  slowestMs: number;
}

const FAULTS: readonly TableFault[] = ['SIGKILL', 'SIGSTOP', 'cut'];
const TITLES = { SIGKILL: 'killed', SIGSTOP: 'stopped, replaced, continued', cut: 'connection cut' } as const;

export class FaultTable {
  readonly #cells = new Map<string, Partial<Record<TableFault, Cell>>>();

  /** `recoveredMs`: undefined if it never was. */
  add({ strikes }: Scenario, violations: number, recoveredMs: number | undefined): void {
    if (!strikes) return;
    const row = this.#cells.get(strikes.point) ?? {};
    const cell = row[strikes.fault] ?? { runs: 0, violations: 0, slowestMs: 0 };
    row[strikes.fault] = cell;
    cell.runs += 1;
    cell.violations += violations;
    cell.slowestMs = Math.max(cell.slowestMs, recoveredMs ?? Number.POSITIVE_INFINITY);
    this.#cells.set(strikes.point, row);
  }

  /** In Markdown, points in the order given. */
  toString(points: readonly string[]): string {
    const rows = points
      .filter((point) => this.#cells.has(point))
      .map(
        (point) =>
          `| ${point} | ${FAULTS.map((fault) => shown(this.#cells.get(point)?.[fault])).join(' | ')} |`,
      );
    const head = `| the holder fails | ${FAULTS.map((fault) => TITLES[fault]).join(' | ')} |`;
    return [head, '| --- | --- | --- | --- |', ...rows].join('\n');
  }
}

const counted = (count: number, word: string): string => `${count} ${word}${count === 1 ? '' : 's'}`;

const shown = (cell: Cell | undefined): string =>
  cell
    ? `${counted(cell.runs, 'run')}, ${counted(cell.violations, 'violation')}, ${(cell.slowestMs / 1000).toFixed(1)} s`
    : '–';
