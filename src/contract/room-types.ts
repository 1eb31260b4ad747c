import type { InputOf } from './standard-schema.interface.js';

type Letters = 'abcdefghijklmnopqrstuvwxyz';
type CharactersOf<Text extends string> = Text extends `${infer First}${infer Rest}`
  ? First | CharactersOf<Rest>
  : never;
type Letter = CharactersOf<Letters> | Uppercase<CharactersOf<Letters>> | '_';
type WordCharacter = Letter | CharactersOf<'0123456789'>;

/** The text behind the name of a parameter. */
type BehindName<Text extends string> = Text extends `${infer First}${infer Rest}`
  ? First extends WordCharacter
    ? BehindName<Rest>
    : Text
  : '';

/** The names that fit a key, such as `orders/${string}` for `orders/:id`. */
type Filled<Key extends string> = Key extends `${infer Before}:${infer After}`
  ? After extends `${Letter}${string}`
    ? `${Before}${string}${Filled<BehindName<After>>}`
    : `${Before}:${Filled<After>}`
  : Key;

type Parts<Name extends string> = Name extends `${infer Head}/${infer Tail}`
  ? [Head, ...Parts<Tail>]
  : [Name];

/** `true` if each part of a room between slashes fits the part of the key: `orders/7/items` is no `orders/:id`. */
type Fits<Room extends readonly string[], Key extends readonly string[]> = Room extends [
  infer Head extends string,
  ...infer Tail extends string[],
]
  ? Key extends [infer KeyHead extends string, ...infer KeyTail extends string[]]
    ? Head extends Filled<KeyHead>
      ? Fits<Tail, KeyTail>
      : false
    : false
  : Key extends []
    ? true
    : false;

/** The key of a room; of several rooms the keys of all. */
type KeyOf<Rooms, Room> = Room extends keyof Rooms
  ? Room
  : Room extends '*'
    ? never
    : Room extends string
      ? {
          [Key in keyof Rooms & string]: Fits<Parts<Room>, Parts<Key>> extends true ? Key : never;
        }[keyof Rooms & string]
      : never;

/** The rooms of a union that fit no key. */
type Unknown<Rooms, Room> = Room extends unknown
  ? [KeyOf<Rooms, Room>] extends [never]
    ? Room
    : never
  : never;

/** Stands for events to single clients, which may be in any room. */
export type AnyRoom = { readonly '~any': true };

/** The rooms that an argument names: one, or those of a list. */
export type Named<Argument> = Argument extends readonly (infer Room)[] ? Room : Argument;

/** The rooms that fit a contract. A part behind a parameter may contain no slash, which `EventIn` checks. */
export type RoomIn<Rooms> = keyof Rooms extends infer Key extends string ? Filled<Key> : never;

/** The names of the events that a room has, or each of several rooms; `never` if one of them fits no key. */
export type EventIn<Rooms, Room> = [Room] extends [AnyRoom]
  ? { [Key in keyof Rooms]: keyof Rooms[Key] & string }[keyof Rooms]
  : [Unknown<Rooms, Room>] extends [never]
    ? keyof Rooms[KeyOf<Rooms, Room> & keyof Rooms] & string
    : never;

/** The data of an event: what all of the rooms accept, and for a single client what one of the rooms does. */
export type DataIn<Rooms, Room, Name> = [Room] extends [AnyRoom]
  ? { [Key in keyof Rooms]: DataUnder<Rooms[Key], Name> }[keyof Rooms]
  : AcceptedByAll<Rooms, KeyOf<Rooms, Room>, Name>;

type DataUnder<Events, Name> = Name extends keyof Events ? InputOf<Events[Name]> : never;

/** An intersection: the parameter of a function that stands for each of several functions. */
type AcceptedByAll<Rooms, Key, Name> = (
  Key extends keyof Rooms ? (data: DataUnder<Rooms[Key], Name>) => void : never
) extends (data: infer Data) => void
  ? Data
  : never;
