/**
 * A part of the trace for each migration that an invocation applies or reverts, named after it. The part of one that fails
 * is closed by the end of the invocation: while it is open, X-Ray is not sent what it is a part of.
 */
import type { Tracer } from '@aws-lambda-powertools/tracer';
import type { EngineEvent } from '../../lib/engine/index.ts';

type Segment = ReturnType<Tracer['getSegment']>;

export class RevisionTrace {
  readonly #parent: () => Segment;
  #open:
    | { readonly migration: string; readonly segment: ReturnType<NonNullable<Segment>['addNewSubsegment']> }
    | undefined;

  /** @param parent the segment that is current, if the invocation is traced */
  constructor(parent: () => Segment) {
    this.#parent = parent;
  }

  see(event: EngineEvent): void {
    if (event.kind === 'step-started' && event.migration !== this.#open?.migration) {
      this.end('done');
      const segment = this.#parent()?.addNewSubsegment(event.migration);
      segment?.addAnnotation('migration', event.migration);
      segment?.addAnnotation('direction', event.direction);
      if (segment) this.#open = { migration: event.migration, segment };
    }
    if (event.kind === 'migration-done') this.end('done');
  }

  /** Of the invocation, too; `failed` counts for the migration that is not done. */
  end(how: 'done' | 'failed'): void {
    if (how === 'failed') this.#open?.segment.addErrorFlag();
    this.#open?.segment.close();
    this.#open = undefined;
  }
}
