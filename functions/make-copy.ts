/**
 * Make copy: begins a copy of the database at the first call, looks how far it is at the later ones; the workflow waits in
 * between. Its tags say until when it may be needed, for whoever finds it after that.
 */
import { COPY_BUDGET_SECONDS, copyProgressSchema, stepCopy } from '../lib/core/rehearsal/copy-progress.ts';
import { makeCopyInputSchema } from '../lib/core/workflow/rehearsal-payloads.ts';
import { COPY_SETTINGS, copyStore } from './_runtime/copies.ts';
import { handlerFor } from './_runtime/handler.ts';
import { readSettings } from './_runtime/settings.ts';

/** Beyond what it may take to make it: a rehearsal is one call of a function, with its retries. */
const REHEARSING_SECONDS = 2 * 3600;

export const handler = handlerFor({
  name: 'make-copy',
  input: makeCopyInputSchema,
  output: copyProgressSchema,
  runId: ({ run }) => run.id,
  async run({ run, copy }, { log }) {
    const settings = readSettings(COPY_SETTINGS);
    const lifetimeMs = 1000 * (COPY_BUDGET_SECONDS + REHEARSING_SECONDS);
    const request = {
      id: copy.id,
      target: settings.target,
      run: run.execution,
      sinceMs: Date.parse(run.startedAt),
      expiresMs: Date.now() + lifetimeMs,
    };
    const next = stepCopy(copy, await copyStore(settings).ensure(request));
    if (next.status === 'ready') log.info('the copy is ready', { copy: copy.id });
    return next;
  },
});
