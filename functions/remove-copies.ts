/**
 * Remove copies: that of a run when it has been rehearsed on, however that went; and, every hour, those that have
 * expired, which a run that was stopped has left behind.
 */
import { expiredCopies } from '../lib/core/rehearsal/copy-store.ts';
import {
  removeCopiesInputSchema,
  removeCopiesOutputSchema,
} from '../lib/core/workflow/rehearsal-payloads.ts';
import { COPY_SETTINGS, copyStore } from './_runtime/copies.ts';
import { handlerFor } from './_runtime/handler.ts';
import { readSettings } from './_runtime/settings.ts';

export const handler = handlerFor({
  name: 'remove-copies',
  input: removeCopiesInputSchema,
  output: removeCopiesOutputSchema,
  runId: ({ run }) => run?.id ?? 'none',
  async run({ copy }, { log }) {
    const settings = readSettings(COPY_SETTINGS);
    const store = copyStore(settings);
    const ids = copy ? [copy.id] : expiredCopies(await store.list(settings.target), Date.now());
    for (const id of ids) {
      await store.remove(id);
      log.info('a copy is removed', { copy: id });
    }
    return { removed: ids };
  },
});
