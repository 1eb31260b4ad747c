import { createRuntime } from '../../sse.module.js';
import { SseService } from '../../sse.service.js';
import type { EventName, ReceivedData } from '../../rooms/publish/event-map.js';
import { toSseMessage } from '../../rooms/publish/sse-message.js';
import type { SseModuleOptions } from '../../sse-module-options.interface.js';
import { RecordingBroker, type RecordedPublish } from './recording-broker.js';

/** Options of a mock: those of `SseModule.forRoot`, of which it needs none. */
export type SseMockOptions = Omit<SseModuleOptions, 'broker'>;

/** An event that was published, with the type of its data. */
interface PublishedOf<Name, Data> {
  /** The name; `undefined` for an event without one. */
  readonly event: Name;
  /** The data as subscribers receive it: what JSON makes of it, so that a `Date` is a text. */
  readonly data: Data;
  /** Options of the call, such as `volatile` or `except`; left out where it had none. */
  readonly options?: Readonly<Record<string, unknown>>;
}

/** An event that a mock has recorded. */
export type PublishedEvent<Events extends object = object> =
  string extends EventName<Events>
    ? PublishedOf<string | undefined, unknown>
    : | PublishedOf<undefined, unknown>
      | { [Name in EventName<Events>]: PublishedOf<Name, ReceivedData<Events, Name>> }[EventName<Events>];

/**
 * An `SseService` that records what is published, for unit tests of providers: from `createSseServiceMock`. It is the real
 * service on a broker that only records, so it refuses what the real one refuses, and `stream(room)` emits. It has no clients,
 * no Redis and no timers.
 */
export class SseServiceMock<Events extends object = object> extends SseService<Events> {
  readonly #broker: RecordingBroker;

  /** @internal */
  constructor(broker: RecordingBroker, ...parts: ConstructorParameters<typeof SseService>) {
    super(...parts);
    this.#broker = broker;
  }

  /**
   * The events published to a room so far, in their order. An event to several rooms is in each of them; one to `'*'` only in
   * `published('*')`.
   *
   * ```ts
   * expect(sse.published('orders/7')).toEqual([{ event: 'paid', data: { id: 7 } }]);
   * ```
   */
  published(room: string | number): PublishedEvent<Events>[] {
    return this.#broker.records
      .filter(({ message }) => message.rooms.includes(String(room)))
      .map((record) => toPublished<Events>(record));
  }

  /** The rooms that events were published to so far, in the order of their first event. */
  publishedRooms(): string[] {
    return [...new Set(this.#broker.records.flatMap(({ message }) => message.rooms))];
  }

  /** Forgets what was published. */
  clear(): void {
    this.#broker.records.length = 0;
  }
}

/**
 * Creates a service for unit tests of providers. It may be used at once, needs no Nest application and nothing to close.
 *
 * ```ts
 * const sse = createSseServiceMock();
 * await new Payments(sse).paid(7);
 * expect(sse.published('orders/7')).toEqual([{ event: 'paid', data: { id: 7 } }]);
 * ```
 *
 * @param options those of the application, where they matter to what is accepted: `limits`, `serialize`, `rooms`
 * @throws SseError `invalid-options`
 */
export function createSseServiceMock<Events extends object = object>(
  options: SseMockOptions = {},
): SseServiceMock<Events> {
  const broker = new RecordingBroker();
  const { runtime, start } = createRuntime({ ...options, broker }, { httpAdapter: undefined });
  // Everything that a publish needs is started before the first `await`.
  void start();
  const { hub, options: resolved, presence, commands, limits, tickets, drain, sessions, runs } = runtime;
  return new SseServiceMock<Events>(
    broker,
    hub,
    resolved,
    presence,
    commands,
    limits,
    tickets,
    drain,
    sessions,
    runs,
  );
}

function toPublished<Events extends object>({ message, options }: RecordedPublish): PublishedEvent<Events> {
  const { event, data } = toSseMessage('', message);
  const given = Object.entries(options).filter(([, value]) => value !== undefined && value !== false);
  const published: PublishedEvent = {
    event,
    data,
    ...(given.length > 0 && { options: Object.fromEntries(given) }),
  };
  return published as PublishedEvent<Events>;
}
