import type { EventContract } from './event-contract.js';
import type { AnyRoom, DataIn, EventIn } from './room-types.js';

type Dropped = undefined | symbol | ((...args: never[]) => unknown);

/** A value with a form of its own in JSON, such as a `Date`. */
interface WithJson<Json> {
  toJSON(...args: never[]): Json;
}

/** What JSON leaves of a value: a `Date` is a string, and properties that JSON leaves out are missing. */
export type JsonOf<Value> = unknown extends Value
  ? Value
  : Value extends WithJson<infer Json>
    ? JsonOf<Json>
    : Value extends string | number | boolean | null
      ? Value
      : Value extends bigint
        ? never
        : Value extends Dropped
          ? undefined
          : Value extends readonly unknown[]
            ? { [Index in keyof Value]: ItemOf<Value[Index]> }
            : Value extends object
              ? { [Key in keyof Value as Value[Key] extends Dropped ? never : Key]: JsonOf<Value[Key]> }
              : never;

/** JSON writes `null` for an item of a list that it leaves out elsewhere. */
type ItemOf<Value> = Value extends Dropped ? null : JsonOf<Value>;

/**
 * The events of a contract by name, as a page receives them: `connectSse<EventsOf<typeof events, 'orders/:id' | '*'>>(url)`.
 *
 * @typeParam Key the keys of the rooms of the stream. Default: all; an event of several rooms then has the data of any of them
 */
export type EventsOf<
  Contract extends EventContract,
  Key extends keyof Contract['~rooms'] = keyof Contract['~rooms'],
> = {
  [Name in EventIn<Pick<Contract['~rooms'], Key>, AnyRoom>]: JsonOf<
    DataIn<Pick<Contract['~rooms'], Key>, AnyRoom, Name>
  >;
};
