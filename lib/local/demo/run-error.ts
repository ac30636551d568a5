/** The error of a run that failed, from its verdict, so that it is shown like one of a command. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CATALOGUE, type ErrorCode, LockstepError, type SourcePosition } from '../../core/errors/index.ts';
import type { Verdict } from '../../core/rollout/index.ts';

const POSITION = /(?<file>\S+\.sql), line (?<line>\d+), column (?<column>\d+)/;

export async function runError(
  { error, message, state, next }: Verdict,
  migrations: string,
): Promise<LockstepError> {
  const code = error !== null && error.code in CATALOGUE ? (error.code as ErrorCode) : 'LS901';
  const position = await positionIn(message, migrations);
  return new LockstepError(code, { what: message.replace(/^LS\d{3}: /, ''), state, remedy: next, position });
}

/** The place that a message names, with the text of its line from the file. */
async function positionIn(message: string, migrations: string): Promise<SourcePosition | undefined> {
  const { file, line, column } = POSITION.exec(message)?.groups ?? {};
  if (file === undefined) return undefined;
  const lines = (await readFile(join(migrations, file), 'utf8')).split('\n');
  return { file, line: Number(line), column: Number(column), text: lines[Number(line) - 1] ?? '' };
}
