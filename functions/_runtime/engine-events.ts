import type { Observer } from '../../lib/engine/index.ts';
import type { Invocation } from './handler.ts';
import { errorFields } from './observability.ts';

/** What the engine tells, as log lines. */
export const engineEvents =
  (log: Invocation['log']): Observer =>
  (event) => {
    if ('error' in event) log.warn(event.kind, errorFields(event.error));
    else log.info(event.kind, event);
  };
