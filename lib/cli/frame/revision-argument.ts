import { InvalidArgumentError } from 'commander';
import { REVISION_PATTERN } from '../../core/plan/revision.ts';

export function revision(text: string): string {
  if (!REVISION_PATTERN.test(text)) throw new InvalidArgumentError('A revision is a number such as 0042.');
  return text;
}

export const eachRevision = (text: string, before: readonly string[] = []): string[] => [
  ...before,
  revision(text),
];
