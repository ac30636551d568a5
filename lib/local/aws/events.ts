/** Amazon EventBridge: keeps the events that were put, and tells who listens. */
import { randomUUID } from 'node:crypto';
import { EventEmitter } from 'node:events';
import type { AnyFunctionName } from '../../core/workflow/index.ts';
import { ACCOUNT, REGION, type Service } from './service.ts';

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

/** As far as the coordinator's rules go; what they say of ARNs is not looked at. */
export interface EventRule {
  readonly functionName: AnyFunctionName;
  readonly source: readonly string[];
  readonly detailType: readonly string[];
  readonly target: readonly string[] | undefined;
  /** Of events of S3. */
  readonly object?: {
    readonly bucket: readonly string[];
    readonly key: readonly { readonly wildcard: string }[];
  };
}
export interface EventTargets {
  invoke(name: AnyFunctionName, event: unknown): Promise<unknown>;
}

const matches = (rule: EventRule, { source, detailType, detail }: PutEvent): boolean =>
  rule.source.includes(source) &&
  rule.detailType.includes(detailType) &&
  (rule.target?.includes((detail as { target: string }).target) ?? true) &&
  (rule.object === undefined || isOf(rule.object, detail as ObjectDetail));

interface ObjectDetail {
  readonly bucket: { readonly name: string };
  readonly object: { readonly key: string };
}

const isOf = (
  pattern: NonNullable<EventRule['object']>,
  { bucket, object: { key } }: ObjectDetail,
): boolean =>
  pattern.bucket.includes(bucket.name) &&
  pattern.key.some(({ wildcard }) => {
    const [start = '', end = '', ...more] = wildcard.split('*');
    if (more.length > 0) throw new Error('The local runtime knows one wildcard in a pattern');
    return key.length >= start.length + end.length && key.startsWith(start) && key.endsWith(end);
  });

export class LocalEventBus {
  #rules: { readonly rules: readonly EventRule[]; readonly functions: EventTargets } | undefined;
  readonly events: PutEvent[] = [];
  readonly #emitter = new EventEmitter<{ event: [PutEvent] }>();

  onEvent(listener: (event: PutEvent) => void): void {
    this.#emitter.on('event', listener);
  }

  /** From here on these rules, and no others, call these functions. Their failures are their own affair. */
  callOnEvents(rules: readonly EventRule[], functions: EventTargets): void {
    this.#rules = { rules, functions };
  }

  /** As if a service of AWS had put it: what rules match it is called. Settles when they have ended. */
  async deliver(event: PutEvent & { readonly resources?: readonly string[] }): Promise<void> {
    const { rules = [], functions } = this.#rules ?? {};
    const { source, detailType, detail, resources = [] } = event;
    const envelope = {
      version: '0',
      id: randomUUID(),
      source,
      'detail-type': detailType,
      account: ACCOUNT,
      time: new Date().toISOString(),
      region: REGION,
      resources,
      detail,
    };
    const called = rules
      .filter((rule) => matches(rule, event))
      .map(({ functionName }) => functions?.invoke(functionName, envelope));
    await Promise.allSettled(called);
  }

  readonly service: Service = {
    PutEvents: ({ Entries }: { Entries: Entry[] }) => {
      for (const { Source, DetailType, Detail } of Entries) {
        const detail = typeof Detail === 'string' ? JSON.parse(Detail) : Detail;
        const event = { source: Source, detailType: DetailType, detail };
        this.events.push(event);
        this.#emitter.emit('event', event);
        void this.deliver(event);
      }
      return { FailedEntryCount: 0, Entries: Entries.map(() => ({ EventId: randomUUID() })) };
    },
  };
}
