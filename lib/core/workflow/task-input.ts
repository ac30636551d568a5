/** What a task of the workflow is started with: its input, as text in a variable of its environment. */
import { LockstepError, NOTHING_CHANGED } from '../errors/index.ts';
import { type MigrateTaskInput, migrateTaskInputSchema } from './payloads.ts';

/** Throws LS102. */
export function readTaskInput(text: string): MigrateTaskInput {
  try {
    return migrateTaskInputSchema.parse(JSON.parse(text));
  } catch (cause) {
    throw new LockstepError('LS102', {
      what: 'The input of the task is not understood.',
      state: NOTHING_CHANGED,
      remedy: 'Deploy the stack again, so that state machine and image are of the same release.',
      cause,
    });
  }
}
