/** Sessions of somebody else's in a test's database. */
import pg from 'pg';
import { onTestFinished } from 'vitest';
import type { EngineEvent } from '../../lib/engine/index.ts';
import type { Site } from './site.ts';

export interface Other {
  readonly pid: number;
  readonly query: pg.Client['query'];
}

/** A client that has run `sql`, and leaves its transaction open if that began one. */
export async function otherSession(site: Site, sql: string, applicationName = 'report'): Promise<Other> {
  const client = new pg.Client({ connectionString: site.url, application_name: applicationName });
  client.on('error', () => undefined);
  await client.connect();
  onTestFinished(() => client.end());
  const { rows } = await client.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
  await client.query(sql);
  return { pid: rows[0]!.pid, query: client.query.bind(client) };
}

export type Kind = EngineEvent['kind'];
type EventOf<K extends Kind> = Extract<EngineEvent, { kind: K }>;

/** What an observer was told, and a way to wait for more of it. */
export class Told {
  readonly events: EngineEvent[] = [];
  #arrived: () => void = () => undefined;

  readonly on = (event: EngineEvent): void => {
    this.events.push(event);
    this.#arrived();
  };

  of<K extends Kind>(kind: K): EventOf<K>[] {
    return this.events.filter((event): event is EventOf<K> => event.kind === kind);
  }

  /** The first event of the kind that fits. */
  async until<K extends Kind>(
    kind: K,
    fits: (event: EventOf<K>) => boolean = () => true,
  ): Promise<EventOf<K>> {
    for (;;) {
      const found = this.of(kind).find(fits);
      if (found) return found;
      await new Promise<void>((resolve) => {
        this.#arrived = resolve;
      });
    }
  }
}
