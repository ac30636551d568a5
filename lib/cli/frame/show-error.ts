/** An error as people read it: what, where, state of the database, what to do; and as one JSON value. */
import type { LockstepError, SourcePosition } from '../../core/errors/index.ts';
import type { Paint } from './terminal.ts';

/** Longer lines are cut around the place: minified SQL should not fill the screen. */
const WIDEST = 120;
const BEFORE_CARET = 80;

export function errorText(error: LockstepError, paint: Paint): string {
  const lines = [`${paint('red', paint('bold', `Error ${error.code}:`))} ${error.what}`];
  if (error.position) lines.push('', ...excerpt(error.position, paint), '');
  lines.push(`${paint('bold', 'State:')} ${error.state}`, `${paint('bold', 'Next:')}  ${error.remedy}`);
  return lines.join('\n');
}

export function errorJson(error: LockstepError): Record<string, unknown> {
  const { code, name, what, state, remedy, position, retryable, exitCode, context } = error;
  return { code, name, what, state, remedy, position: position ?? null, retryable, exitCode, context };
}

function excerpt({ file, line, column, text }: SourcePosition, paint: Paint): string[] {
  const characters = Array.from(text);
  const first = characters.length > WIDEST ? Math.max(0, column - 1 - BEFORE_CARET) : 0;
  const shown = characters.slice(first, first + WIDEST).join('');
  const gutter = `${line} | `;
  // Tabs stay tabs, so that the caret stands under its character however wide they are.
  const before = characters.slice(first, column - 1).map((c) => (c === '\t' ? c : ' '));
  return [
    paint('dim', `  ${file}:${line}:${column}`),
    `  ${paint('dim', gutter)}${shown}`,
    `  ${' '.repeat(gutter.length)}${before.join('')}${paint('red', '^')}`,
  ];
}
