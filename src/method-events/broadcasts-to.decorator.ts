import { Inject } from '@nestjs/common';
import { isObservable, type Observable } from 'rxjs';
import { checkCallOptions, checkedElsewhere, trueOrFalse } from '../protocol/input/option-checks.js';
import type { RoomName } from '../protocol/input/room-name.js';
import { SseError } from '../protocol/sse-error.js';
import { isThenable } from '../protocol/thenable.js';
import { SseService } from '../sse.service.js';
import type { BroadcastsToOptions, PublishedResult, RoomsOfResult } from './published-result.interface.js';
import { publishResult } from './publish-result.js';
import { whenCompleted } from './when-completed.js';

/** What a method may return: the result, or a promise or an Observable of it. */
type Returned<Result> = Result | PromiseLike<Result> | Observable<Result>;

type ResultPublisher<Result, Args extends unknown[]> = (
  target: object,
  key: string | symbol,
  descriptor: { value?: (...args: Args) => Returned<Result> },
) => void;

const OPTIONS = { data: checkedElsewhere, volatile: trueOrFalse, awaitPublish: trueOrFalse };

/** Metadata of a method: a list of `PublishedResult`. */
export const BROADCASTS_TO = 'nestjs-simple-sse:broadcasts-to';

/** The property in which Nest sets the service. */
export const SERVICE = Symbol('SseService');

/**
 * Publishes the result of a method when it has succeeded: of a promise what it resolves to, of an Observable its last value when it
 * completes. On any provider or controller, request-scoped ones included. Repeatable; the lower one publishes first.
 *
 * ```ts
 * @BroadcastsTo('orders/:id', 'updated') // the property `id` of the result
 * async update(id: number, change: Change): Promise<Order> { … }
 *
 * @BroadcastsTo((order: Order, [by]: [User]) => (order.isHidden ? undefined : [`orders/${order.id}`, `users/${by.id}`]), 'paid')
 * async pay(by: User): Promise<Order> { … }
 * ```
 *
 * @param room names, of which parameters are properties of the result, or a function of the result and the arguments
 * @param event the name. Default: none
 * @throws SseError `invalid-arguments`, where it is written; for a name that cannot be, `invalid-room`, `invalid-event-name`,
 * `unknown-room` or `unknown-event` at start-up. The method throws `module-not-imported` on an object that Nest did not create
 */
export function BroadcastsTo<Result, Args extends unknown[] = never[]>(
  room: RoomName | readonly RoomName[] | RoomsOfResult<Result, Args>,
  event?: string,
  options: BroadcastsToOptions<Result, Args> = {},
): ResultPublisher<Result, Args> {
  checkCallOptions('@BroadcastsTo()', options, OPTIONS);
  return (target, key, descriptor) => {
    const label = `${target.constructor.name}.${String(key)}()`;
    const method: unknown = descriptor.value;
    if (typeof method !== 'function') {
      throw new SseError('invalid-arguments', `@BroadcastsTo() is for methods, and ${label} is none.`);
    }
    Inject(SseService)(target, SERVICE);
    const published = { label, room, event, options } as unknown as PublishedResult;
    const wrapped = withPublish(method as Method, published);
    for (const name of Reflect.getMetadataKeys(method)) {
      Reflect.defineMetadata(name, Reflect.getMetadata(name, method), wrapped);
    }
    const earlier = (Reflect.getMetadata(BROADCASTS_TO, method) ?? []) as readonly PublishedResult[];
    Reflect.defineMetadata(BROADCASTS_TO, [...earlier, published], wrapped);
    Object.defineProperty(wrapped, 'name', { value: method.name, configurable: true });
    Object.defineProperty(wrapped, 'length', { value: method.length, configurable: true });
    // In place, because `applyDecorators` ignores what a decorator returns.
    descriptor.value = wrapped as (...args: Args) => Returned<Result>;
  };
}

type Method = (...args: unknown[]) => unknown;

function withPublish(method: Method, published: PublishedResult): Method {
  const isAwaited = published.options.awaitPublish === true;
  return function (this: { readonly [SERVICE]?: SseService }, ...args: unknown[]): unknown {
    const service = this[SERVICE];
    // Before the method runs, so that nothing has happened yet.
    if (service === undefined) throw withoutService(published);
    const publish = (result: unknown): Promise<unknown> => publishResult(service, published, result, args);
    const report = (error: unknown): void =>
      service.internals.hub.callbacks.report('@BroadcastsTo', error, published.label);
    const publishThen = (result: unknown): Promise<unknown> | undefined => {
      const publishing = publish(result);
      if (isAwaited) return publishing;
      publishing.catch(report);
      return undefined;
    };
    const result = method.apply(this, args);
    if (isObservable(result)) return whenCompleted(result, publishThen);
    if (isThenable(result)) {
      return (async () => {
        const value = await result;
        await publishThen(value);
        return value;
      })();
    }
    publish(result).catch(report);
    return result;
  };
}

function withoutService({ label }: PublishedResult): SseError {
  return new SseError(
    'module-not-imported',
    `@BroadcastsTo() on ${label} has no SseService: Nest did not create the object. Get it from the application or a testing module, or import SseModule.`,
  );
}
