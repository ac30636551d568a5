/**
 * Loaded by `node --import` before the program: the real command, with sources changed in memory if it is to be a
 * mutant, and with a fault beside one message to PostgreSQL.
 */
import module, { registerHooks } from 'node:module';
import type { Session } from '../../lib/adapters/postgres/session.ts';
import { applyEdits, type Edit } from './edit.ts';
import { type FaultKind, INSTRUCTIONS, type Instructions } from './fault.ts';

const ROOT = new URL('../../', import.meta.url).href;

module.enableCompileCache();
const { edits, fault } = JSON.parse(process.env[INSTRUCTIONS] ?? '') as Instructions;
if (edits.length > 0) editSources(edits);
if (fault) await failAt(fault);

function editSources(edits: readonly Edit[]): void {
  registerHooks({
    load(url, context, nextLoad) {
      const loaded = nextLoad(url, context);
      const own = edits.filter(({ file }) => url === ROOT + file);
      if (own.length === 0) return loaded;
      return { ...loaded, source: applyEdits(String(loaded.source), own) };
    },
  });
}

async function failAt({ place, kind }: NonNullable<Instructions['fault']>): Promise<void> {
  // Only now, because it may be one of the sources that are changed.
  const { Session } = await import('../../lib/adapters/postgres/session.ts');
  const { when, message } = place;
  const pattern = new RegExp(message, 's');
  const { run } = Session.prototype;
  const written = await afterWriting(pattern);
  let isToCome = true;
  Session.prototype.run = async function (this: Session, sql: string) {
    if (!isToCome || !pattern.test(sql)) return run.call(this, sql);
    isToCome = false;
    if (when === 'before') fail(this, kind);
    if (when === 'sent') written.next = () => fail(this, kind);
    const rows = await run.call(this, sql);
    if (when === 'after') fail(this, kind);
    return rows;
  };
}

/**
 * What is to be done when the operating system has the next message with such a text. That is not when it was given to the client: after
 * an error, which comes before the server is ready for more, it waits there.
 */
async function afterWriting(pattern: RegExp): Promise<{ next?: (() => void) | undefined }> {
  const written: { next?: (() => void) | undefined } = {};
  const { default: pg } = await import('pg');
  const wire = pg.Connection.prototype as unknown as { query(text: string): unknown };
  const { query } = wire;
  wire.query = function (text) {
    const result = query.call(this, text);
    const { next } = written;
    if (next && pattern.test(text)) {
      written.next = undefined;
      next();
    }
    return result;
  };
  return written;
}

/** With SIGSTOP the call returns when the process is continued. */
function fail(session: Session, kind: FaultKind): void {
  if (kind === 'cut') session.destroy();
  else process.kill(process.pid, kind);
}
