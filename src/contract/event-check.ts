import { didYouMean } from '../protocol/did-you-mean.js';
import { describeValue } from '../protocol/error-text.js';
import { SseError } from '../protocol/sse-error.js';
import { ignoreRejection, isThenable } from '../protocol/thenable.js';
import { ContractRooms, type ContractEntry } from './contract-rooms.js';
import type { EventContract } from './event-contract.js';
import { issuesText } from './issues-text.js';
import type { StandardSchema } from './standard-schema.interface.js';

/** Name of events without a name, as in browsers. */
const UNNAMED = 'message';

/** Compares events with the contract, once for each publish. What is sent never changes. */
export class EventCheck {
  readonly #rooms: ContractRooms;
  readonly #warn: ((error: SseError) => void) | undefined;

  /** @param warn takes the faults. Default: they are thrown */
  constructor(contract: EventContract, warn?: (error: SseError) => void) {
    this.#rooms = new ContractRooms(contract['~rooms']);
    this.#warn = warn;
  }

  /** @param warn takes the faults where `checkEvents` is `'warn'`. @returns `undefined` where nothing is compared */
  static of(
    {
      events,
      checkEvents,
    }: { readonly events: EventContract | undefined; readonly checkEvents: 'warn' | boolean },
    warn: (error: SseError) => void,
  ): EventCheck | undefined {
    if (events === undefined || checkEvents === false) return undefined;
    return new EventCheck(events, checkEvents === 'warn' ? warn : undefined);
  }

  /** @throws SseError `unknown-room`, `unknown-event`, `data-mismatch` */
  publish(rooms: readonly string[], event: string | undefined, data: unknown): void {
    this.#attempt(() => {
      const checked = new Set<StandardSchema>();
      for (const room of rooms) {
        const { where, schema } = this.#find(room, event);
        if (checked.has(schema)) continue;
        checked.add(schema);
        const fault = faultOf(schema, data);
        if (fault !== undefined) throw mismatch(event, where, fault);
      }
    });
  }

  /** Compares an event to single clients: one key with such an event is enough. @throws SseError `unknown-event`, `data-mismatch` */
  send(event: string | undefined, data: unknown): void {
    this.#attempt(() => {
      const schemas = [...this.#rooms.all].flatMap((entry) => schemaOf(entry, event ?? UNNAMED) ?? []);
      if (schemas.length === 0) {
        const names = [...this.#rooms.all].flatMap(({ events }) => Object.keys(events));
        throw unknownEvent(event, 'any room', [...new Set(names)]);
      }
      let fault: Fault | undefined;
      for (const schema of new Set(schemas)) {
        fault = faultOf(schema, data);
        if (fault === undefined) return;
      }
      if (fault !== undefined) throw mismatch(event, 'a client', fault);
    });
  }

  /** Compares a room and a name, without data. @throws SseError `unknown-room`, `unknown-event` */
  defines(room: string, event: string | undefined): void {
    this.#attempt(() => void this.#find(room, event));
  }

  #find(
    room: string,
    event: string | undefined,
  ): { readonly where: string; readonly schema: StandardSchema } {
    const entry = this.#rooms.of(room);
    if (entry === undefined) throw unknownRoom(room, this.#rooms.keys);
    const where = `the room ${quoted(room)}${room === entry.key ? '' : ` (${quoted(entry.key)})`}`;
    const schema = schemaOf(entry, event ?? UNNAMED);
    if (schema === undefined) throw unknownEvent(event, where, Object.keys(entry.events));
    return { where, schema };
  }

  #attempt(check: () => void): void {
    if (this.#warn === undefined) return check();
    try {
      check();
    } catch (error) {
      this.#warn(error as SseError);
    }
  }
}

function schemaOf({ events }: ContractEntry, name: string): StandardSchema | undefined {
  return Object.hasOwn(events, name) ? events[name] : undefined;
}

/** Words about what is wrong, and the error of a schema that has thrown. */
interface Fault {
  readonly text: string;
  readonly cause?: unknown;
}

function faultOf(schema: StandardSchema, data: unknown): Fault | undefined {
  let result: unknown;
  try {
    result = schema['~standard'].validate(data);
  } catch (cause) {
    return { text: 'its schema has thrown', cause };
  }
  if (isThenable(result)) {
    ignoreRejection(result);
    return { text: 'its schema is asynchronous, and events are checked at once. Use a synchronous one' };
  }
  if (typeof result !== 'object' || result === null)
    return { text: `its schema has returned ${describeValue(result)} in the place of a result` };
  try {
    const text = issuesText(result);
    return text === undefined ? undefined : { text };
  } catch (cause) {
    return { text: 'its schema has returned a list of issues that cannot be read', cause };
  }
}

function mismatch(event: string | undefined, where: string, { text, cause }: Fault): SseError {
  return new SseError(
    'data-mismatch',
    `The data of ${named(event)} for ${where} does not fit the contract: ${text}.`,
    cause === undefined ? undefined : { cause },
  );
}

function unknownRoom(room: string, keys: readonly string[]): SseError {
  const isUnfilled = keys.includes(room);
  const remedy = isUnfilled
    ? 'It is the name of a key: fill in its parameters.'
    : `It fits none of ${keys.map(quoted).join(', ')}. Correct it, or add it to defineEvents().`;
  return new SseError('unknown-room', `The contract has no room ${quoted(room)}. ${remedy}`);
}

function unknownEvent(event: string | undefined, where: string, names: readonly string[]): SseError {
  const hint = didYouMean(event ?? UNNAMED, names);
  return new SseError(
    'unknown-event',
    `The contract has no ${named(event).replace('the ', '')} for ${where}.${hint} Correct it, or add it to defineEvents().`,
  );
}

function named(event: string | undefined): string {
  return event === undefined ? `the event without a name ("${UNNAMED}")` : `the event ${quoted(event)}`;
}

function quoted(text: string): string {
  return describeValue(text);
}
