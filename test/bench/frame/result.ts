/** What a case found: its tables, and what of it was asked for. */
import { ABSENT, table } from './table.ts';

export interface Target {
  readonly what: string;
  readonly asked: string;
  readonly measured: string;
  readonly met: boolean;
}

export interface CaseResult {
  /** Markdown. */
  readonly tables: string;
  readonly targets: readonly Target[];
}

/** A measurement that is not there meets nothing. */
export function atMost(
  what: string,
  limit: number,
  measured: number | undefined,
  text: (value: number) => string,
): Target {
  return {
    what,
    asked: `≤ ${text(limit)}`,
    measured: measured === undefined ? ABSENT : text(measured),
    met: measured !== undefined && measured <= limit,
  };
}

export const atLeast = (
  what: string,
  limit: number,
  measured: number,
  text: (value: number) => string,
): Target => ({ what, asked: `≥ ${text(limit)}`, measured: text(measured), met: measured >= limit });

/** Nothing to be ahead of counts as ahead. */
export function aheadOf(
  what: string,
  measured: number | undefined,
  others: readonly { readonly name: string; readonly value: number }[],
  text: (value: number) => string,
): Target {
  const best = others.toSorted((a, b) => a.value - b.value)[0];
  return {
    what,
    asked: best ? `< ${text(best.value)} (${best.name})` : ABSENT,
    measured: measured === undefined ? ABSENT : text(measured),
    met: measured !== undefined && (best === undefined || measured < best.value),
  };
}

export function targetTable(targets: readonly Target[]): string {
  const rows = targets.map(({ what, asked, measured, met }) => [
    what,
    asked,
    measured,
    met ? 'met' : 'missed',
  ]);
  return table(['target', 'asked', 'measured', ''], rows);
}
