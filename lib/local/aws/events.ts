/** Amazon EventBridge: keeps the events that were put, and tells who listens. */
import { randomUUID } from 'node:crypto';
import { EventEmitter } from 'node:events';
import type { Service } from './service.ts';

export interface PutEvent {
  readonly source: string;
  readonly detailType: string;
  readonly detail: unknown;
}

interface Entry {
  Source: string;
  DetailType: string;
  /** JSON text, or the value itself from a state machine's own integration. */
  Detail: unknown;
}

export class LocalEventBus {
  readonly events: PutEvent[] = [];
  readonly #emitter = new EventEmitter<{ event: [PutEvent] }>();

  onEvent(listener: (event: PutEvent) => void): void {
    this.#emitter.on('event', listener);
  }

  readonly service: Service = {
    PutEvents: ({ Entries }: { Entries: Entry[] }) => {
      for (const { Source, DetailType, Detail } of Entries) {
        const detail = typeof Detail === 'string' ? JSON.parse(Detail) : Detail;
        const event = { source: Source, detailType: DetailType, detail };
        this.events.push(event);
        this.#emitter.emit('event', event);
      }
      return { FailedEntryCount: 0, Entries: Entries.map(() => ({ EventId: randomUUID() })) };
    },
  };
}
